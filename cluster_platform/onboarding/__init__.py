"""How people find a cluster, apply, and are admitted: public pages, the form, the distributor's page, the desk."""
