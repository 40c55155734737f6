/** What each database role may do, asked with the real passwords from a pod of the role's own tier. */
import { ask } from '../probe.ts'
import { type Requirement, demand, demandNone } from '../requirement.ts'
import { TIMEOUTS } from '../timeouts.ts'
import type { World } from '../world.ts'

/** One statement in a transaction that is rolled back; `rows`, or the SQLSTATE that PostgreSQL refuses it with. */
const SCRIPT = `
import json, os, pathlib, psycopg
def ask(user, statement):
    password = pathlib.Path("/run/secrets/todo-db/" + os.environ["PASSWORD_KEY"]).read_text().strip()
    with psycopg.connect(host="postgres", dbname="todo", user=os.environ["ROLE"], password=password, connect_timeout=5) as connection:
        try:
            if user is not None:
                connection.execute("SELECT set_config('app.user_id', %s, true)", [user])
            cursor = connection.execute(statement)
            return str(len(cursor.fetchall())) if cursor.description else str(cursor.rowcount)
        except psycopg.Error as error:
            return error.sqlstate or type(error).__name__
        finally:
            connection.rollback()
print(json.dumps([ask(user, statement) for user, statement in json.loads(os.environ["QUESTIONS"])]))
`

/** `insufficient_privilege`: https://www.postgresql.org/docs/15/errcodes-appendix.html */
const DENIED = '42501'

interface Question {
  /** Identity of the transaction. */
  user: string | null
  statement: string
  /** Number of rows, or an SQLSTATE. */
  expected: string
}

async function askRole(world: World, tier: 'backend' | 'mcp', role: string, key: string, questions: readonly Question[]): Promise<{ summary: string; table: { head: string[]; rows: string[][] } }> {
  const answers = await ask<string[]>(world, {
    namespace: world.namespace,
    name: `role-${key.replace(/-password$/, '')}`,
    labels: { 'app.kubernetes.io/name': tier, 'app.kubernetes.io/component': tier },
    serviceAccount: tier,
    script: SCRIPT,
    env: { ROLE: role, PASSWORD_KEY: key, QUESTIONS: JSON.stringify(questions.map(({ user, statement }) => [user, statement])) },
    volumes: [{ name: 'database', mountPath: '/run/secrets/todo-db', source: { secret: { secretName: 'todo-chat-database', defaultMode: 0o440, items: [{ key, path: key }] } } }],
  })
  demand(answers.length === questions.length, `${answers.length} answers to ${questions.length} questions`)
  const rows = questions.map(({ user, statement, expected }, index) => [user ?? '(nobody)', statement, expected, answers[index] ?? ''])
  const table = { head: ['as user', 'statement', 'expected', 'answered'], rows }
  demandNone(rows.filter(([, , expected, answered]) => expected !== answered).map(([user, statement, expected, answered]) => `${role} as ${user}: ${statement} gave ${answered} instead of ${expected}`), 'not as granted', { summary: role, table })
  return { summary: `${role}: ${questions.length} statements as granted`, table }
}

export const DATABASE: readonly Requirement[] = [
  {
    id: 'CONF-250',
    ring: 'behaviour',
    title: 'The tool server’s role sees the tasks of one user',
    must: 'The role todo_mcp MUST reach tasks of the transaction’s user only, none without a user, and no conversation and no message at all.',
    why: 'a fault in one query must not show one user’s tasks to another',
    source: 'design.md 5: database roles with row-level security; https://www.postgresql.org/docs/15/ddl-rowsecurity.html',
    needs: ['application', 'ingress', 'probe image'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.probes,
    async run(world) {
      const app = world.app()
      const [owner, other] = await Promise.all([app.user('rls'), app.user('rls-other')])
      for (const title of ['one', 'two']) await app.expect(201, 'POST', `/api/${owner.id}/tasks`, { user: owner, body: { title } })
      return askRole(world, 'mcp', 'todo_mcp', 'mcp-password', [
        { user: owner.id, statement: 'SELECT 1 FROM tasks', expected: '2' },
        { user: other.id, statement: 'SELECT 1 FROM tasks', expected: '0' },
        { user: null, statement: 'SELECT 1 FROM tasks', expected: '0' },
        { user: other.id, statement: `UPDATE tasks SET title = 'stolen' WHERE user_id = '${owner.id}'`, expected: '0' },
        { user: other.id, statement: `INSERT INTO tasks (user_id, title) VALUES ('${owner.id}', 'planted')`, expected: DENIED },
        { user: owner.id, statement: 'SELECT 1 FROM messages', expected: DENIED },
        { user: owner.id, statement: 'SELECT 1 FROM conversations', expected: DENIED },
        { user: owner.id, statement: 'CREATE TABLE mine (id int)', expected: DENIED },
      ])
    },
  },
  {
    id: 'CONF-251',
    ring: 'behaviour',
    title: 'The chat’s role sees no task',
    must: 'The role todo_chat MUST reach conversations and messages of the transaction’s user only, and no task at all.',
    why: 'the endpoint that a model’s text passes through must not be a second way to the tasks',
    source: 'design.md 5',
    needs: ['application', 'ingress', 'probe image'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.probes,
    async run(world) {
      const app = world.app()
      const [owner, other] = await Promise.all([app.user('chatrole'), app.user('chatrole-other')])
      await app.chat(owner, 'hello')
      return askRole(world, 'backend', 'todo_chat', 'chat-password', [
        { user: owner.id, statement: 'SELECT 1 FROM messages', expected: '2' },
        { user: other.id, statement: 'SELECT 1 FROM messages', expected: '0' },
        { user: null, statement: 'SELECT 1 FROM messages', expected: '0' },
        { user: owner.id, statement: 'SELECT 1 FROM tasks', expected: DENIED },
        { user: owner.id, statement: "INSERT INTO tasks (user_id, title) VALUES ('x', 'y')", expected: DENIED },
        { user: owner.id, statement: 'DELETE FROM messages', expected: DENIED },
      ])
    },
  },
]
