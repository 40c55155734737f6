"""The triggers that carry due dates for code that does not know them: from 0004 until 0009."""

CREATE = """
CREATE FUNCTION due_date_into_trash() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
    BEGIN
      -- Code of before adds to the trash what it takes from tasks afterwards.
      SELECT due_at INTO NEW.due_at FROM public.tasks WHERE id = NEW.id;
      RETURN NEW;
    END
  $$;
REVOKE ALL ON FUNCTION due_date_into_trash() FROM PUBLIC;
CREATE TRIGGER due_date_into_trash BEFORE INSERT ON deleted_tasks
  FOR EACH ROW WHEN (NEW.due_at IS NULL) EXECUTE FUNCTION due_date_into_trash();

CREATE FUNCTION due_date_out_of_trash() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
  AS $$
    BEGIN
      -- At the end of the statement that also put the task back.
      UPDATE public.tasks SET due_at = OLD.due_at WHERE id = OLD.id AND due_at IS NULL;
      RETURN NULL;
    END
  $$;
REVOKE ALL ON FUNCTION due_date_out_of_trash() FROM PUBLIC;
CREATE TRIGGER due_date_out_of_trash AFTER DELETE ON deleted_tasks
  FOR EACH ROW WHEN (OLD.due_at IS NOT NULL) EXECUTE FUNCTION due_date_out_of_trash();
"""

DROP = """
DROP TRIGGER due_date_out_of_trash ON deleted_tasks;
DROP FUNCTION due_date_out_of_trash();
DROP TRIGGER due_date_into_trash ON deleted_tasks;
DROP FUNCTION due_date_into_trash();
"""
