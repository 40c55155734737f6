/**
 * Chat under load: many conversations at once against several backend replicas, beside a single conversation in the same run.
 * Not a test: it asserts that every turn is answered rightly, and reports how fast.
 *
 *   LOAD_BACKENDS=http://backend-1:8000,http://backend-2:8000 npx tsx tests/load/conversations.ts
 *
 * LOAD_CONVERSATIONS (200) and LOAD_ROUNDS (1; five turns each) say how much. Prints a Markdown table; exits 1 when a turn failed.
 */
import pMap from 'p-map'
import { percentile } from '../../deploy/src/proof/availability.ts'

const backends = (process.env['LOAD_BACKENDS'] ?? '').split(',').filter(Boolean)
if (backends.length === 0) throw new Error('LOAD_BACKENDS must list the base URLs of the backend replicas, separated by commas')
const many = positive('LOAD_CONVERSATIONS', 200)
const rounds = positive('LOAD_ROUNDS', 1)

/** What one conversation says, and the tools that each message must lead to. */
const SCRIPT = [
  { message: 'add a task to buy milk', tools: ['add_task'] },
  { message: "what's pending", tools: ['list_tasks'] },
  { message: 'complete buy milk', tools: ['list_tasks', 'complete_task'] },
  { message: 'show completed tasks', tools: ['list_tasks'] },
  { message: 'delete buy milk', tools: ['list_tasks', 'delete_task'] },
]

/** One turn: how long it took, and why it was wrong if it was. */
type Turn = { milliseconds: number; problem?: string }

type Answer = { conversation_id: number; tool_calls: { name: string; ok: boolean }[] }

function positive(name: string, byDefault: number): number {
  const value = Number(process.env[name] ?? byDefault)
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} must be a whole number of at least 1, current value ${process.env[name]}`)
  return value
}

async function ask(url: string, body: object, token?: string): Promise<Response> {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...authorization }, body: JSON.stringify(body), signal: AbortSignal.timeout(120_000) })
}

async function login(user: string): Promise<string> {
  const answer = await ask(`${backends[0]}/api/login`, { user_id: user })
  if (!answer.ok) throw new Error(`login of ${user} answered ${answer.status}; the replicas need TODO_DEV_LOGIN=true`)
  return ((await answer.json()) as { token: string }).token
}

/** Holds a conversation; each turn goes to another replica than the one before, which must know it all the same. */
async function converse(user: string, token: string, first: number, times: number): Promise<Turn[]> {
  const turns: Turn[] = []
  let conversation: number | undefined
  for (let round = 0; round < times; round++) {
    for (const [index, { message, tools }] of SCRIPT.entries()) {
      const backend = backends[(first + turns.length) % backends.length]
      const begun = performance.now()
      const turn = async (): Promise<string | undefined> => {
        const answer = await ask(`${backend}/api/${user}/chat`, { message, conversation_id: conversation }, token)
        if (!answer.ok) return `${answer.status} ${(await answer.text()).slice(0, 200)}`
        const { conversation_id, tool_calls } = (await answer.json()) as Answer
        conversation = conversation_id
        const called = tool_calls.map(({ name, ok }) => (ok ? name : `${name} failed`)).join(', ')
        return called === tools.join(', ') ? undefined : `turn ${index + 1} led to ${called || 'no tool'} instead of ${tools.join(', ')}`
      }
      const problem = await turn().catch((cause: unknown) => (cause instanceof Error ? cause.message : String(cause)))
      turns.push({ milliseconds: performance.now() - begun, ...(problem === undefined ? {} : { problem }) })
    }
  }
  return turns
}

async function measure(conversations: number, times: number, prefix: string): Promise<{ turns: Turn[]; seconds: number }> {
  const users = Array.from({ length: conversations }, (_, index) => `${prefix}-${index}`)
  const tokens = await pMap(users, login, { concurrency: 8 })
  const begun = performance.now()
  const turns = await Promise.all(users.map((user, index) => converse(user, tokens[index] ?? '', index, times)))
  return { turns: turns.flat(), seconds: (performance.now() - begun) / 1000 }
}

function row(conversations: number, { turns, seconds }: { turns: Turn[]; seconds: number }): string {
  const times = turns.map(({ milliseconds }) => milliseconds)
  const wrong = turns.filter(({ problem }) => problem !== undefined).length
  const cells = [conversations, turns.length, wrong, (turns.length / seconds).toFixed(1), ...[0.5, 0.95, 1].map((part) => percentile(times, part).toFixed(0))]
  return `| ${cells.join(' | ')} |`
}

await measure(4, 1, 'warm')
const one = await measure(1, 10 * rounds, 'one')
const all = await measure(many, rounds, 'many')

console.log(['| conversations at once | turns | failed | turns/s | p50 ms | p95 ms | longest ms |', '|---|---|---|---|---|---|---|', row(1, one), row(many, all)].join('\n'))
const problems = [...one.turns, ...all.turns].flatMap(({ problem }) => problem ?? [])
if (problems.length > 0) {
  console.error(`${problems.length} turns failed, for example:\n${[...new Set(problems)].slice(0, 5).join('\n')}`)
  process.exitCode = 1
}
