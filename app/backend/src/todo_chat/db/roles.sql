-- Roles of todo-chat and what they may do to the database and its schema. Idempotent; PostgreSQL 15 and newer.
--
-- Run by an administrator who may create roles, superuser or not: by the database image on its first
-- start and, for an external PostgreSQL, by the migrate process. The caller sets the passwords before,
-- in the same session: set_config('todo.<role>_password', …, false) for migrator, chat, tasks,
-- mcp and backup. They are set again on every run, so running it anew rotates them.

DO $roles$
DECLARE
  roles CONSTANT text[] := ARRAY['todo_migrator', 'todo_chat', 'todo_tasks', 'todo_mcp', 'todo_backup'];
  admin CONSTANT pg_roles := (SELECT pg_roles FROM pg_roles WHERE rolname = current_user);
  -- Since 16 a membership has three parts, administration, SET and inheritance, and who creates a role
  -- gets only the first of them. Before, CREATEROLE alone administers every role but superusers.
  parted CONSTANT boolean := current_setting('server_version_num')::integer >= 160000;
  database_owner CONSTANT name := (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database());
  schema_owner name;
  role_name text;
  database_is_ready boolean;
  member_for_now boolean := false;
  granted_before boolean := false;
  lacking text[] := '{}';
BEGIN
  -- Two runs at once on this database take turns.
  PERFORM pg_advisory_xact_lock(hashtext('todo-chat roles'));
  schema_owner := (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'public');

  WITH granted AS (
    SELECT pg_get_userbyid(grantee) AS role, grantee = 0 AS everyone, privilege_type AS privilege
    FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba)))
    WHERE datname = current_database()
  ), wanted AS (
    SELECT role, 'CONNECT' AS privilege FROM unnest(roles) AS role
    UNION VALUES ('todo_migrator', 'CREATE'), ('todo_migrator', 'TEMPORARY')
  )
  SELECT NOT EXISTS (SELECT FROM granted WHERE everyone)
    AND NOT EXISTS (SELECT role, privilege FROM wanted EXCEPT SELECT role, privilege FROM granted)
  INTO database_is_ready;

  -- What an administrator who is no superuser lacks, as the statements that give it; all of it at once.
  IF NOT admin.rolcreaterole AND NOT admin.rolsuper THEN
    lacking := lacking || format('ALTER ROLE %I CREATEROLE', admin.rolname);
  END IF;
  IF parted THEN
    FOR role_name IN
      SELECT rolname FROM pg_roles
      WHERE rolname = ANY (roles) AND NOT pg_has_role(admin.oid, oid, 'USAGE WITH ADMIN OPTION')
    LOOP
      lacking := lacking || format('GRANT %I TO %I WITH ADMIN OPTION', role_name, admin.rolname);
    END LOOP;
  END IF;
  IF NOT pg_has_role(admin.oid, database_owner, 'USAGE') AND
    (schema_owner = 'pg_database_owner' OR NOT database_is_ready AND database_owner <> 'todo_migrator') THEN
    lacking := lacking || format('ALTER DATABASE %I OWNER TO %I', current_database(), admin.rolname);
  ELSIF schema_owner <> 'todo_migrator' THEN
    -- Before 16 a role without INHERIT owns a database and yet not its schema.
    IF NOT pg_has_role(admin.oid, schema_owner, 'USAGE') THEN
      lacking := lacking || format('ALTER SCHEMA public OWNER TO %I', admin.rolname);
    END IF;
    IF NOT has_database_privilege(admin.oid, current_database(), 'CREATE') THEN
      lacking := lacking || format('GRANT CREATE ON DATABASE %I TO %I', current_database(), admin.rolname);
    END IF;
  END IF;
  IF lacking <> '{}' THEN
    RAISE EXCEPTION USING
      ERRCODE = 'insufficient_privilege',
      MESSAGE = format('%s may not prepare the roles of database %s', admin.rolname, current_database()),
      HINT = format('as a superuser or the owner, in that database: %s;', array_to_string(lacking, '; '));
  END IF;

  FOREACH role_name IN ARRAY roles LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('CREATE ROLE %I', role_name);
    END IF;
    EXECUTE format(
      'ALTER ROLE %I LOGIN NOINHERIT PASSWORD %L',
      role_name,
      current_setting(replace(role_name, 'todo_', 'todo.') || '_password'));
    -- Not said where it is so already: since 16 only who has an attribute may speak of it.
    IF (SELECT rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = role_name) THEN
      EXECUTE format('ALTER ROLE %I NOCREATEDB NOCREATEROLE', role_name);
    END IF;
  END LOOP;

  -- pg_dump reads every user's rows. Only a superuser may grant BYPASSRLS; elsewhere the
  -- policy todo_backup_reads does the same for pg_dump --enable-row-security.
  IF admin.rolsuper THEN
    ALTER ROLE todo_backup BYPASSRLS;
  END IF;

  -- Objects are handed only to a role that one can become. Who cannot do so already, can until the end of this block.
  IF NOT pg_has_role(admin.oid, 'todo_migrator', CASE WHEN parted THEN 'SET' ELSE 'MEMBER' END) THEN
    -- createrole_self_grant can have given another part of it, which stays.
    granted_before := EXISTS (
      SELECT FROM pg_auth_members
      WHERE roleid = 'todo_migrator'::regrole AND member = admin.oid AND grantor = admin.oid);
    EXECUTE format('GRANT todo_migrator TO %I %s', admin.rolname, CASE
      WHEN granted_before THEN 'WITH SET TRUE'
      WHEN parted THEN 'WITH INHERIT FALSE, SET TRUE'
    END);
    member_for_now := true;
  END IF;

  IF NOT database_is_ready THEN
    IF database_owner = 'todo_migrator' THEN
      SET LOCAL ROLE todo_migrator;
    END IF;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
      'GRANT CONNECT ON DATABASE %I TO todo_migrator, todo_chat, todo_tasks, todo_mcp, todo_backup',
      current_database());
    EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO todo_migrator', current_database());
    EXECUTE format('SET LOCAL ROLE %I', admin.rolname);
  END IF;

  ALTER SCHEMA public OWNER TO todo_migrator;
  SET LOCAL ROLE todo_migrator;
  REVOKE CREATE ON SCHEMA public FROM PUBLIC;
  EXECUTE format('SET LOCAL ROLE %I', admin.rolname);

  IF member_for_now THEN
    EXECUTE format('REVOKE %s todo_migrator FROM %I', CASE WHEN granted_before THEN 'SET OPTION FOR' END, admin.rolname);
  END IF;
END
$roles$;
