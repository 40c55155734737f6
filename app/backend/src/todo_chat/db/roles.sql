-- Roles, database ownership and default privileges of todo-chat. Idempotent.
--
-- Run by an administrator who may create roles: by the database image on its first start and,
-- for an external PostgreSQL, by the migrate process. The caller sets the passwords before,
-- in the same session: set_config('todo.<role>_password', …, false) for migrator, chat, tasks,
-- mcp and backup. They are set again on every run, so running it anew rotates them.

DO $roles$
DECLARE
  role_name text;
BEGIN
  -- Two runs at once on this database take turns.
  PERFORM pg_advisory_xact_lock(hashtext('todo-chat roles'));
  FOREACH role_name IN ARRAY ARRAY['migrator', 'chat', 'tasks', 'mcp', 'backup'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'todo_' || role_name) THEN
      EXECUTE format('CREATE ROLE %I', 'todo_' || role_name);
    END IF;
    EXECUTE format(
      'ALTER ROLE %I LOGIN NOINHERIT NOCREATEDB NOCREATEROLE PASSWORD %L',
      'todo_' || role_name,
      current_setting('todo.' || role_name || '_password'));
  END LOOP;

  -- pg_dump reads every user's rows. Only a superuser may grant BYPASSRLS; elsewhere the
  -- policy todo_backup_reads does the same for pg_dump --enable-row-security.
  IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
    ALTER ROLE todo_backup BYPASSRLS;
  END IF;

  -- A non-superuser has to be a member of the role that it hands objects to.
  IF NOT pg_has_role(current_user, 'todo_migrator', 'MEMBER') THEN
    EXECUTE format('GRANT todo_migrator TO %I', current_user);
  END IF;

  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format(
    'GRANT CONNECT ON DATABASE %I TO todo_migrator, todo_chat, todo_tasks, todo_mcp, todo_backup',
    current_database());
  EXECUTE format('GRANT CREATE, TEMPORARY ON DATABASE %I TO todo_migrator', current_database());
  REVOKE CREATE ON SCHEMA public FROM PUBLIC;
  ALTER SCHEMA public OWNER TO todo_migrator;
END
$roles$;
