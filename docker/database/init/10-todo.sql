-- First start: the application's database, then its roles with passwords from secret files.
\set ON_ERROR_STOP on
\set migrator `cat "$SECRETS/migrator-password"`
\set chat `cat "$SECRETS/chat-password"`
\set tasks `cat "$SECRETS/tasks-password"`
\set mcp `cat "$SECRETS/mcp-password"`
\set backup `cat "$SECRETS/backup-password"`
CREATE DATABASE todo;
\connect todo
\o /dev/null
SELECT
  set_config('todo.migrator_password', :'migrator', false),
  set_config('todo.chat_password', :'chat', false),
  set_config('todo.tasks_password', :'tasks', false),
  set_config('todo.mcp_password', :'mcp', false),
  set_config('todo.backup_password', :'backup', false);
\o
\i /usr/share/todo-chat/roles.sql
