-- Expand: what the application may do. lockstep_app has no login; stores SET ROLE to it after they connect.
-- Without the privilege to create roles the owner runs everything itself and only a notice says so.

REVOKE ALL ON FUNCTION es_next_position() FROM PUBLIC;
REVOKE ALL ON FUNCTION es_subject_key(text, uuid, bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION es_destroy_subject_key(text) FROM PUBLIC;
DO $$ BEGIN
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', 'es_append'::regproc::oid::regprocedure);
END $$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lockstep_app') THEN
        BEGIN
            CREATE ROLE lockstep_app NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this cluster was quicker
            WHEN insufficient_privilege THEN RAISE NOTICE 'may not create role lockstep_app: the owner runs the application';
        END;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'lockstep_app')
       AND NOT pg_has_role(current_user, 'lockstep_app', 'member') THEN
        BEGIN
            EXECUTE format('GRANT lockstep_app TO %I', current_user);
        EXCEPTION
            WHEN insufficient_privilege THEN RAISE NOTICE 'may not join role lockstep_app: the owner runs the application';
        END;
    END IF;
END
$$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'lockstep_app') THEN
        RETURN;
    END IF;
    GRANT USAGE ON SCHEMA public TO lockstep_app;
    GRANT SELECT ON es_head, events, es_commits, es_subject_keys TO lockstep_app;
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO lockstep_app', 'es_append'::regproc::oid::regprocedure);
    GRANT EXECUTE ON FUNCTION es_subject_key(text, uuid, bytea), es_destroy_subject_key(text) TO lockstep_app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON es_subscriptions, sessions, credentials, work_leases TO lockstep_app;
    -- Tables of later migrations are read models: the application owns their content.
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON TABLES TO lockstep_app;
END
$$;
