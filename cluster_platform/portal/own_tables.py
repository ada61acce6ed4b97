"""What is stored about a participant, as queries: its own rows and columns only.

Parameters: cluster, participant, user, and as arrays the participant's points with the times for which they were its
own. Neighbours stand in the trades under their names of the day; whoever looked at readings stands there by role.
"""

from cluster_platform.portal.reading_log import OWN_ACCESSES
from metering.domain.versions import FIRST_DELIVERED

_UTC = """to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS {1}"""
#: Empty for what the platform estimated.
_ISSUED = _UTC.format(
    f"(CASE WHEN t.version >= {FIRST_DELIVERED} THEN timestamptz '2000-01-01Z' + t.version * interval '1 second' END)",
    "issued_at",
)
_OWN = "unnest(%(points)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS own(point, starts, ends)"


_WITH_HISTORY = (
    "participants_participant,contracts_contract,metering_pointassignment,contracts_statickey,"
    "contracts_offerassignment,contracts_salemechanism"
)


def _of_own(side: str) -> str:
    """What was noted of a row before or after a change is the participant's own; a row may have changed hands."""
    return f"""
        ((h.table_name = 'participants_participant' AND h.row_id = %(participant)s)
         OR ({side} ->> 'participant_id')::bigint = %(participant)s)
    """


def _own_rows(table: str) -> str:
    """Rows of a table with millions of them that concern own points while they were own."""
    return f"""
        FROM {_OWN}
        JOIN metering_meteringpoint m ON m.cluster_id = %(cluster)s AND m.id = own.point
        JOIN {table} t ON t.cluster_id = %(cluster)s AND t.metering_point_id = own.point
         AND t.interval_start >= own.starts AND t.interval_start < own.ends
    """


_IN_FORCE = """
    EXISTS (SELECT FROM clearing_intervalstate s WHERE s.cluster_id = %(cluster)s
            AND s.interval_start = t.interval_start AND s.run_id = t.run_id) AS in_force
"""

#: File → query.
TABLES = {
    "profile": """
        SELECT p.code AS number, p.kind, p.legal_form, p.name, p.email, p.street, p.postcode, p.city, p.country, p.nip,
            p.iban, p.vat_payer
        FROM participants_participant p WHERE p.cluster_id = %(cluster)s AND p.id = %(participant)s
    """,
    "login": f"""
        SELECT u.email, u.first_name, u.last_name, {_UTC.format("u.date_joined", "joined")},
            {_UTC.format("u.last_login", "last_login")}
        FROM participants_user u WHERE u.id = %(user)s
    """,
    "email_addresses": """
        SELECT e.email, e.verified, e.primary FROM account_emailaddress e WHERE e.user_id = %(user)s ORDER BY e.email
    """,
    "second_factors": f"""
        SELECT f.type, {_UTC.format("f.created_at", "created")}, {_UTC.format("f.last_used_at", "last_used")}
        FROM mfa_authenticator f WHERE f.user_id = %(user)s ORDER BY f.id
    """,
    "sessions": f"""
        SELECT {_UTC.format("s.created_at", "signed_in")}, {_UTC.format("s.last_seen_at", "last_seen")},
            host(s.ip) AS ip, s.user_agent AS browser
        FROM usersessions_usersession s WHERE s.user_id = %(user)s ORDER BY s.id
    """,
    "delegates": """
        SELECT u.email, m.level FROM participants_membership m JOIN participants_user u ON u.id = m.user_id
        WHERE m.cluster_id = %(cluster)s AND m.participant_id = %(participant)s ORDER BY u.email
    """,
    "invitations_of_delegates": f"""
        SELECT i.email, i.level, {_UTC.format("i.created_at", "invited")}, {_UTC.format("i.taken_at", "taken_up")}
        FROM participants_roleinvitation i
        WHERE i.cluster_id = %(cluster)s AND i.participant_id = %(participant)s ORDER BY i.id
    """,
    "former_data": f"""
        SELECT {_UTC.format("h.at", "at")}, h.table_name AS kept_in, h.operation,
            CASE WHEN {_of_own("h.before")} THEN h.before::text END AS before,
            CASE WHEN {_of_own("h.after")} THEN h.after::text END AS after
        FROM participants_change h
        WHERE h.cluster_id = %(cluster)s AND h.table_name = ANY('{{{_WITH_HISTORY}}}')
          AND ({_of_own("h.before")} OR {_of_own("h.after")})
        ORDER BY h.id
    """,
    "metering_points": """
        SELECT m.code, n.code AS grid_node, a.tariff_group, a.contracted_power_kw, a.generation_capacity_kw,
            a.generation_source, a.phases, a.yearly_use_kwh, a.capacity_factor, a.valid_from, a.valid_to
        FROM metering_pointassignment a
        JOIN metering_meteringpoint m ON m.cluster_id = a.cluster_id AND m.id = a.metering_point_id
        JOIN metering_gridnode n ON n.cluster_id = a.cluster_id AND n.id = a.grid_node_id
        WHERE a.cluster_id = %(cluster)s AND a.participant_id = %(participant)s ORDER BY m.code, a.valid_from
    """,
    "meters": """
        SELECT m.code AS metering_point, d.serial, greatest(d.valid_from, a.valid_from) AS valid_from,
            least(d.valid_to, a.valid_to) AS valid_to
        FROM metering_pointassignment a
        JOIN metering_meteringpoint m ON m.cluster_id = a.cluster_id AND m.id = a.metering_point_id
        JOIN metering_meter d ON d.cluster_id = a.cluster_id AND d.metering_point_id = a.metering_point_id
         AND daterange(d.valid_from, d.valid_to) && daterange(a.valid_from, a.valid_to)
        WHERE a.cluster_id = %(cluster)s AND a.participant_id = %(participant)s ORDER BY m.code, 3
    """,
    "contracts": """
        SELECT c.scheme, c.valid_from, c.valid_to FROM contracts_contract c
        WHERE c.cluster_id = %(cluster)s AND c.participant_id = %(participant)s ORDER BY c.valid_from
    """,
    "allocation_keys": """
        SELECT k.share, k.valid_from FROM contracts_statickey k
        WHERE k.cluster_id = %(cluster)s AND k.participant_id = %(participant)s ORDER BY k.valid_from
    """,
    "own_retail_offers": """
        SELECT o.name AS offer, a.valid_from, a.valid_to FROM contracts_offerassignment a
        JOIN contracts_retailoffer o ON o.cluster_id = a.cluster_id AND o.id = a.offer_id
        WHERE a.cluster_id = %(cluster)s AND a.participant_id = %(participant)s ORDER BY a.valid_from
    """,
    "own_sale_mechanisms": """
        SELECT s.kind, s.pln_mwh, s.factor, s.negative_counts_as_zero, s.netting, s.valid_from, s.valid_to
        FROM contracts_salemechanism s
        WHERE s.cluster_id = %(cluster)s AND s.participant_id = %(participant)s ORDER BY s.valid_from
    """,
    "readings": f"""
        SELECT m.code AS metering_point, {_UTC.format("t.interval_start", "interval_start")}, {_ISSUED},
            t.imported_wh, t.exported_wh,
            (ARRAY['measured', 'split', 'substituted', 'estimated'])[t.quality] AS quality
        {_own_rows("metering_reading")} ORDER BY m.code, t.interval_start, t.version
    """,
    "daily_sums": f"""
        SELECT m.code AS metering_point, d.day, d.imported_wh, d.exported_wh, d.measured, d.split, d.substituted,
            d.estimated
        FROM {_OWN}
        JOIN metering_meteringpoint m ON m.cluster_id = %(cluster)s AND m.id = own.point
        JOIN metering_readingday d ON d.cluster_id = %(cluster)s AND d.metering_point_id = own.point
         AND d.day >= (own.starts AT TIME ZONE %(tz)s)::date AND d.day < (own.ends AT TIME ZONE %(tz)s)::date
        ORDER BY m.code, d.day
    """,
    "substitutions": f"""
        SELECT m.code AS metering_point, {_UTC.format("greatest(t.starts, own.starts)", "starts")},
            {_UTC.format("least(t.ends, own.ends)", "ends")}, t.how, t.reason, {_UTC.format("t.issued_at", "issued_at")}
        FROM {_OWN}
        JOIN metering_meteringpoint m ON m.cluster_id = %(cluster)s AND m.id = own.point
        JOIN metering_substitution t ON t.cluster_id = %(cluster)s AND t.metering_point_id = own.point
         AND t.starts < own.ends AND t.ends > own.starts
        ORDER BY m.code, t.issued_at
    """,
    "findings": f"""
        SELECT m.code AS metering_point, t.day, t.rule, {_UTC.format("t.starts", "starts")},
            {_UTC.format("t.ends", "ends")}, t.quarter_hours, t.value_wh, t.limit_wh, t.severity, t.state, t.reason
        FROM {_OWN}
        JOIN metering_meteringpoint m ON m.cluster_id = %(cluster)s AND m.id = own.point
        JOIN metering_finding t ON t.cluster_id = %(cluster)s AND t.metering_point_id = own.point
         AND t.day >= (own.starts AT TIME ZONE %(tz)s)::date AND t.day < (own.ends AT TIME ZONE %(tz)s)::date
        ORDER BY m.code, t.day, t.rule
    """,
    "positions": f"""
        SELECT m.code AS metering_point, {_UTC.format("t.interval_start", "interval_start")}, r.revision, {_IN_FORCE},
            t.net_wh, t.local_bought_wh, t.local_sold_wh, t.external_bought_wh, t.external_sold_wh,
            t.external_grid_fee_pln_kwh, t.equalisation_pln
        {_own_rows("clearing_position")}
        JOIN clearing_clearingrun r ON r.cluster_id = %(cluster)s AND r.id = t.run_id
        ORDER BY m.code, t.interval_start, r.revision
    """,
    "statements": f"""
        SELECT to_char(s.period, 'YYYY-MM') AS period, s.revision, s.amount_exact_pln,
            {_UTC.format("s.billed_at", "billed_at")}
        FROM billing_statement s
        WHERE s.cluster_id = %(cluster)s AND s.participant_id = %(participant)s ORDER BY s.period, s.revision
    """,
    "bills": """
        SELECT b.reference AS number, to_char(b.period, 'YYYY-MM') AS period, b.issued_on, b.due_on, b.payable_pln,
            b.party::text AS addressed_to, b.energy::text, b.promises::text
        FROM billing_bill b
        WHERE b.cluster_id = %(cluster)s AND b.participant_id = %(participant)s ORDER BY b.id
    """,
    "bill_documents": """
        SELECT b.reference AS bill, d.number, d.kind, d.issued_on, d.first, d."end", o.number AS corrects, d.reason,
            d.settlements::text, d.net_pln, d.vat_pln, d.payable_pln
        FROM billing_bill b
        JOIN billing_document d ON d.cluster_id = b.cluster_id AND d.bill_id = b.id
        LEFT JOIN billing_document o ON o.cluster_id = d.cluster_id AND o.id = d.corrects_id
        WHERE b.cluster_id = %(cluster)s AND b.participant_id = %(participant)s ORDER BY b.id, d.position
    """,
    "bill_lines": """
        SELECT d.number AS document, l.position, l.before, l.metering_point, l.component, l.zone, l.sharing_level,
            l.first, l."end", l.quantity, l.unit, l.unit_price_pln, l.net_pln, l.vat_rate
        FROM billing_bill b
        JOIN billing_document d ON d.cluster_id = b.cluster_id AND d.bill_id = b.id
        JOIN billing_documentline l ON l.cluster_id = d.cluster_id AND l.document_id = d.id
        WHERE b.cluster_id = %(cluster)s AND b.participant_id = %(participant)s ORDER BY l.id
    """,
    "bill_deliveries": f"""
        SELECT b.reference AS bill, d.address, d.state, {_UTC.format("d.queued_at", "queued")},
            {_UTC.format("d.changed_at", "changed")}
        FROM billing_bill b
        JOIN billing_billdelivery d ON d.cluster_id = b.cluster_id AND d.bill_id = b.id
        WHERE b.cluster_id = %(cluster)s AND b.participant_id = %(participant)s ORDER BY d.id
    """,
    "account": """
        SELECT e.number AS entry, e.booked_on, e.text, p.amount_pln
        FROM billing_account a
        JOIN billing_posting p ON p.cluster_id = a.cluster_id AND p.account_id = a.id
        JOIN billing_journalentry e ON e.cluster_id = p.cluster_id AND e.id = p.entry_id
        WHERE a.cluster_id = %(cluster)s AND a.participant_id = %(participant)s ORDER BY e.number
    """,
    "payments": f"""
        SELECT b.reference AS bill, a.paid_on, a.amount_pln, m.how AS matched_by, {_UTC.format("m.at", "booked")}
        FROM billing_bill b
        JOIN billing_allocation a ON a.cluster_id = b.cluster_id AND a.bill_id = b.id
        JOIN billing_paymentmatch m ON m.cluster_id = a.cluster_id AND m.id = a.match_id
        WHERE b.cluster_id = %(cluster)s AND b.participant_id = %(participant)s ORDER BY a.id
    """,
    "payment_reminders": """
        SELECT b.reference AS bill, r.step, r.sent_on, r.addresses, r.open_pln
        FROM billing_bill b
        JOIN billing_paymentreminder r ON r.cluster_id = b.cluster_id AND r.bill_id = b.id
        WHERE b.cluster_id = %(cluster)s AND b.participant_id = %(participant)s ORDER BY r.id
    """,
    "late_interest": """
        SELECT b.reference AS bill, i.valid_from AS first, i.valid_to AS "end", i.amount_pln, i.what, i.reason
        FROM billing_bill b
        JOIN billing_interestdecision i ON i.cluster_id = b.cluster_id AND i.bill_id = b.id
        WHERE b.cluster_id = %(cluster)s AND b.participant_id = %(participant)s ORDER BY i.id
    """,
    "statement_lines": """
        SELECT to_char(s.period, 'YYYY-MM') AS period, s.revision, l.position, l.side, m.code AS metering_point,
            l.component, l.zone, l.sharing_level, l.rate_from, l.rate_to, l.quantity, l.unit, l.amount_exact_pln,
            l.net_pln
        FROM billing_statement s
        JOIN billing_statementline l ON l.cluster_id = s.cluster_id AND l.statement_id = s.id
        LEFT JOIN metering_meteringpoint m ON m.cluster_id = l.cluster_id AND m.id = l.metering_point_id
        WHERE s.cluster_id = %(cluster)s AND s.participant_id = %(participant)s
        ORDER BY s.period, s.revision, l.position
    """,
    "promises": """
        SELECT to_char(s.period, 'YYYY-MM') AS period, s.revision, p.side, p.basis, p.p2p_pln, p.standard_pln,
            p.difference_pln, p.assurance_pln
        FROM billing_statement s
        JOIN billing_promise p ON p.cluster_id = s.cluster_id AND p.statement_id = s.id
        WHERE s.cluster_id = %(cluster)s AND s.participant_id = %(participant)s ORDER BY s.period, s.revision, p.side
    """,
    "consents": f"""
        SELECT c.purpose, c.given, {_UTC.format("c.decided_at", "decided_at")} FROM participants_consent c
        WHERE c.cluster_id = %(cluster)s AND c.participant_id = %(participant)s ORDER BY c.id
    """,
    "accesses_to_readings": f"""
        SELECT {_UTC.format("a.at", "at")}, a.role, a.metering_point, a.purpose,
            {_UTC.format("a.readings_from", "readings_from")}, {_UTC.format("a.readings_to", "readings_to")}
        FROM ({OWN_ACCESSES}) a ORDER BY a.at, a.id
    """,
    "applications": f"""
        SELECT a.status, {_UTC.format("a.created_at", "started")}, {_UTC.format("a.submitted_at", "sent_in")},
            a.legal_form, a.kind, a.name, a.email, a.nip, a.regon, a.vat_payer, a.street, a.postcode, a.city,
            a.country, a.iban, a.start_day
        FROM participants_application a
        WHERE a.cluster_id = %(cluster)s AND a.participant_id = %(participant)s ORDER BY a.id
    """,
    "application_points": """
        SELECT p.code, p.tariff_group, p.contracted_power_kw, p.phases, p.yearly_use_kwh, p.generation_source,
            p.generation_capacity_kw, p.grid_node
        FROM participants_application a
        JOIN participants_applicationpoint p ON p.cluster_id = a.cluster_id AND p.application_id = a.id
        WHERE a.cluster_id = %(cluster)s AND a.participant_id = %(participant)s ORDER BY a.id, p.code
    """,
    "application_steps": f"""
        SELECT {_UTC.format("e.at", "at")}, e.step, e.actor AS by, e.text
        FROM participants_application a
        JOIN participants_applicationevent e ON e.cluster_id = a.cluster_id AND e.application_id = a.id
        WHERE a.cluster_id = %(cluster)s AND a.participant_id = %(participant)s ORDER BY e.at, e.id
    """,
    "complaints": f"""
        SELECT {_UTC.format("c.made_at", "made_at")}, c.subject, c.text, c.due_on, c.answer,
            {_UTC.format("c.answered_at", "answered_at")}
        FROM participants_complaint c
        WHERE c.cluster_id = %(cluster)s AND c.participant_id = %(participant)s ORDER BY c.id
    """,
    "agreements": f"""
        SELECT g.number, g.language, g.start_day, g.notice_days, e.position AS step, e.act, e.target AS state,
            e.day AS with_effect_from, {_UTC.format("e.at", "at")}, e.reason
        FROM contracts_agreement g
        JOIN contracts_agreementevent e ON e.cluster_id = g.cluster_id AND e.agreement_id = g.id
        WHERE g.cluster_id = %(cluster)s AND g.participant_id = %(participant)s ORDER BY g.number, e.position
    """,
    "agreement_signatures": f"""
        SELECT g.number, s.email, {_UTC.format("s.at", "at")}, s.pdf_sha256, s.declaration,
            CASE WHEN s.user_id = %(user)s THEN host(s.ip) END AS ip,
            CASE WHEN s.user_id = %(user)s THEN s.authentication::text END AS authentication
        FROM contracts_agreement g
        JOIN contracts_agreementdocument d ON d.cluster_id = g.cluster_id AND d.agreement_id = g.id
        JOIN contracts_agreementsignature s
          ON s.cluster_id = d.cluster_id AND s.document_id = d.id AND s.side = 'partner'
        WHERE g.cluster_id = %(cluster)s AND g.participant_id = %(participant)s ORDER BY g.number, s.id
    """,
    "agreement_texts": """
        SELECT g.number, d.text, d.text_sha256, d.pdf_sha256
        FROM contracts_agreement g
        JOIN contracts_agreementdocument d ON d.cluster_id = g.cluster_id AND d.agreement_id = g.id
        WHERE g.cluster_id = %(cluster)s AND g.participant_id = %(participant)s ORDER BY g.number
    """,
}

_MONTH_OF_TRADES = f"""
    {_own_rows("clearing_position")}
     AND t.interval_start >= %(month_start)s AND t.interval_start < %(month_end)s
     AND (t.local_bought_wh > 0 OR t.local_sold_wh > 0)
    JOIN clearing_trade d ON d.cluster_id = %(cluster)s AND d.interval_start = t.interval_start AND d.run_id = t.run_id
     AND (d.seller_id = t.metering_point_id OR d.buyer_id = t.metering_point_id)
"""
_OTHER = "CASE WHEN d.seller_id = t.metering_point_id THEN d.buyer_id ELSE d.seller_id END"
_DAY = "(t.interval_start AT TIME ZONE %(tz)s)::date"
#: Local days of a month and the ids of the neighbours traded with on them; further parameters: month_start, month_end.
PARTNERS = f"SELECT DISTINCT {_DAY} AS day, {_OTHER} AS other {_MONTH_OF_TRADES}"
#: The trades of a month; further parameters: as arrays days, ids of neighbours and their names of the day. Grid fees
#: stand in what was bought only: a buyer's would tell its tariff.
TRADES = f"""
    SELECT m.code AS metering_point, {_UTC.format("t.interval_start", "interval_start")}, r.revision, {_IN_FORCE},
        CASE WHEN d.seller_id = t.metering_point_id THEN 'sold' ELSE 'bought' END AS side, n.name AS neighbour,
        d.sharing_level, d.wh, d.energy_pln_kwh,
        CASE WHEN d.buyer_id = t.metering_point_id THEN d.grid_fee_pln_kwh END AS grid_fee_pln_kwh
    {_MONTH_OF_TRADES}
    JOIN clearing_clearingrun r ON r.cluster_id = %(cluster)s AND r.id = t.run_id
    JOIN unnest(%(days)s::date[], %(others)s::bigint[], %(names)s::text[]) AS n(day, id, name)
      ON n.day = {_DAY} AND n.id = {_OTHER}
    ORDER BY t.interval_start, r.revision, m.code, n.name, d.sharing_level
"""
#: Name and content of the files: what the participant sent with its application, and its agreements.
FILES = """
    SELECT 'documents/' || d.id || '-' || d.name, d.content
    FROM participants_application a
    JOIN participants_applicationdocument d ON d.cluster_id = a.cluster_id AND d.application_id = a.id
    WHERE a.cluster_id = %(cluster)s AND a.participant_id = %(participant)s
    UNION ALL
    SELECT 'agreements/' || g.number || '.pdf', d.pdf
    FROM contracts_agreement g
    JOIN contracts_agreementdocument d ON d.cluster_id = g.cluster_id AND d.agreement_id = g.id
    WHERE g.cluster_id = %(cluster)s AND g.participant_id = %(participant)s
    UNION ALL
    SELECT 'bills/' || replace(b.reference, '/', '-') || '.pdf', p.pdf
    FROM billing_bill b
    JOIN billing_billpaper p ON p.cluster_id = b.cluster_id AND p.bill_id = b.id
    WHERE b.cluster_id = %(cluster)s AND b.participant_id = %(participant)s
"""
