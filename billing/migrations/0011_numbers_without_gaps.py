from django.db import migrations

#: Deferred: when the transaction ends each number that a series has given is on a document or bill.
LAWS = """
CREATE FUNCTION check_numbers_are_given() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before text := coalesce(current_setting('app.clusters', true), '');
    first integer := 1; missing text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        first := OLD.last + 1;
    END IF;
    PERFORM set_config('app.clusters', '{' || NEW.cluster_id || '}', true);
    SELECT given.number INTO missing
    FROM (
        SELECT format('%s/%s/%s', NEW.series, NEW.year, CASE WHEN n < 100000 THEN lpad(n::text, 5, '0') ELSE n::text END)
            AS number
        FROM generate_series(first, NEW.last) n
    ) given
    WHERE NOT EXISTS (
            SELECT FROM billing_document d WHERE d.cluster_id = NEW.cluster_id AND d.number = given.number)
        AND NOT EXISTS (
            SELECT FROM billing_bill b WHERE b.cluster_id = NEW.cluster_id AND b.reference = given.number)
    LIMIT 1;
    PERFORM set_config('app.clusters', before, true);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'the number % would be left out', missing USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER numbers_are_given AFTER INSERT OR UPDATE ON billing_numberseries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_numbers_are_given();

CREATE FUNCTION keep_given_numbers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (NEW.cluster_id, NEW.series, NEW.year) <> (OLD.cluster_id, OLD.series, OLD.year)
        OR NEW.last < OLD.last THEN
        RAISE EXCEPTION 'the series %/% has given its numbers', OLD.series, OLD.year USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER given_numbers_stay BEFORE UPDATE OR DELETE ON billing_numberseries
    FOR EACH ROW EXECUTE FUNCTION keep_given_numbers();
"""
DROP_LAWS = """
DROP TRIGGER given_numbers_stay ON billing_numberseries; DROP FUNCTION keep_given_numbers();
DROP TRIGGER numbers_are_given ON billing_numberseries; DROP FUNCTION check_numbers_are_given();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0010_external_partners")]

    operations = [migrations.RunSQL(LAWS, DROP_LAWS)]
