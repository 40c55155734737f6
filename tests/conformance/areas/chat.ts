/** The chat: its contract, the documented phrases, and where its memory lives. */
import type { Turn } from '../app.ts'
import { podName } from '../../../deploy/src/kinds/pod.ts'
import { serving, settled, waitFor } from '../kube.ts'
import { type Requirement, demand, demandNone } from '../requirement.ts'
import { TIMEOUTS } from '../timeouts.ts'

interface Message {
  role: 'user' | 'assistant'
  content: string
}

/** What the documents promise that a person may say: the phrase, the tools that must be called, in order, and the list afterwards. */
const PHRASES: readonly [phrase: string, tools: readonly string[], tasks: readonly string[]][] = [
  ['hello', [], []],
  ['add buy milk', ['add_task'], ['buy milk']],
  ['add a task to call mum', ['add_task'], ['buy milk', 'call mum']],
  ['remind me to water plants', ['add_task'], ['buy milk', 'call mum', 'water plants']],
  ['I need to remember to pay rent', ['add_task'], ['buy milk', 'call mum', 'water plants', 'pay rent']],
  ['show all my tasks', ['list_tasks'], ['buy milk', 'call mum', 'water plants', 'pay rent']],
  ["what's pending", ['list_tasks'], ['buy milk', 'call mum', 'water plants', 'pay rent']],
  ['I finished buy milk', ['list_tasks', 'complete_task'], ['✓ buy milk', 'call mum', 'water plants', 'pay rent']],
  ['complete task {2}', ['complete_task'], ['✓ buy milk', '✓ call mum', 'water plants', 'pay rent']],
  ['what have I completed', ['list_tasks'], ['✓ buy milk', '✓ call mum', 'water plants', 'pay rent']],
  ['change task {3} to water the flowers', ['update_task'], ['✓ buy milk', '✓ call mum', 'water the flowers', 'pay rent']],
  ['rename pay rent to pay the rent', ['list_tasks', 'update_task'], ['✓ buy milk', '✓ call mum', 'water the flowers', 'pay the rent']],
  ['delete buy milk', ['list_tasks', 'delete_task'], ['✓ call mum', 'water the flowers', 'pay the rent']],
  ['delete task {2}', ['delete_task'], ['water the flowers', 'pay the rent']],
  ['sing a song', [], ['water the flowers', 'pay the rent']],
]

export const CHAT: readonly Requirement[] = [
  {
    id: 'CONF-230',
    ring: 'behaviour',
    title: 'Contract of the chat endpoint',
    must: 'POST /api/{user}/chat MUST answer with the conversation, the response and the tool calls, keep both messages, give a repeated turn its first answer, and refuse the conversation of another user.',
    why: 'the page is built on this contract, and clients repeat requests',
    source: 'design.md 5',
    needs: ['application', 'ingress'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.chat * 3,
    async run(world) {
      const app = world.app()
      const [user, stranger] = await Promise.all([app.user('chat'), app.user('stranger')])
      const key = { 'Idempotency-Key': `conf-${user.id}` }
      const ask = (): Promise<Turn> => app.expect<Turn>(200, 'POST', `/api/${user.id}/chat`, { user, body: { message: 'add buy milk' }, headers: key, timeoutMs: TIMEOUTS.chat })
      const turn = await ask()
      const [call] = turn.tool_calls
      demand(Number.isInteger(turn.conversation_id) && turn.response.length > 0, `the answer is ${JSON.stringify(turn)}`)
      demand(turn.tool_calls.length === 1 && call?.name === 'add_task' && call.ok, `the tool calls are ${JSON.stringify(turn.tool_calls)}`)
      const repeated = await ask()
      demand(repeated.response === turn.response && repeated.conversation_id === turn.conversation_id, 'a repeated turn was answered anew')
      demand((await app.tasks(user)).length === 1, 'a repeated turn did its change twice')
      const messages = await app.expect<Message[]>(200, 'GET', `/api/${user.id}/conversations/${turn.conversation_id}/messages`, { user })
      demand(messages.map(({ role }) => role).join() === 'user,assistant' && messages[0]?.content === 'add buy milk', `the stored messages are ${JSON.stringify(messages)}`)
      const foreign = await app.send('POST', `/api/${stranger.id}/chat`, { user: stranger, body: { message: 'hello', conversation_id: turn.conversation_id } })
      demand(foreign.status === 404, `another user could go on with the conversation: HTTP ${foreign.status}`)
      await app.expect(422, 'POST', `/api/${user.id}/chat`, { user, body: { message: '' } })
      return { summary: `conversation ${turn.conversation_id}: ${turn.response}` }
    },
  },
  {
    id: 'CONF-231',
    ring: 'behaviour',
    title: 'Streamed answer',
    must: 'POST /api/{user}/chat/stream MUST come through the ingress as server-sent events that begin with `start`, tell each tool call and its result, and end with `done`.',
    why: 'a proxy that buffers, or a route that is missing, leaves the page silent',
    source: 'design.md 5; https://html.spec.whatwg.org/multipage/server-sent-events.html',
    needs: ['application', 'ingress'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.chat * 2,
    async run(world) {
      const app = world.app()
      const user = await app.user('stream')
      const { headers, body } = await app.send<string>('POST', `/api/${user.id}/chat/stream`, { user, body: { message: 'add read a book' }, timeoutMs: TIMEOUTS.chat })
      demand(String(headers['content-type']).startsWith('text/event-stream'), `the content type is ${String(headers['content-type'])}`)
      const events = body.split(/\r?\n\r?\n/).flatMap((block) => /^event: ?(.+)$/m.exec(block)?.[1]?.trim() ?? [])
      demand(events[0] === 'start' && events.at(-1) === 'done' && events.includes('tool_call') && events.includes('tool_result'), `the events are ${events.join(', ') || 'none'}`)
      return { summary: events.join(', ') }
    },
  },
  {
    id: 'CONF-232',
    ring: 'behaviour',
    title: 'Documented phrases',
    must: 'Each documented phrase MUST call the documented tools through chat and leave the task list as it says.',
    why: 'what the documents promise has to work as deployed, not only in a test of the model',
    source: 'design.md 5: the scripted model answers the documented phrases',
    needs: ['application', 'ingress'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.probes,
    async run(world) {
      const app = world.app()
      const user = await app.user('phrases')
      const info = await app.expect<{ model: { kind: string; name: string } | null }>(200, 'GET', '/api/info')
      demand(info.model?.kind === 'scripted', `the model is ${info.model?.name ?? 'unknown'}: its answers are not determined`)
      const ids: number[] = []
      const rows: string[][] = []
      const faults: string[] = []
      let conversation: number | undefined
      for (const [template, tools, tasks] of PHRASES) {
        const phrase = template.replace(/\{(\d)\}/, (_, index: string) => String(ids[Number(index) - 1]))
        const turn = await app.chat(user, phrase, conversation)
        conversation = turn.conversation_id
        for (const { name, result } of turn.tool_calls) if (name === 'add_task') ids.push((result as { id: number }).id)
        const called = turn.tool_calls.map(({ name, ok }) => (ok ? name : `${name} (failed)`))
        const list = (await app.tasks(user)).map(({ title, completed }) => (completed ? `✓ ${title}` : title))
        rows.push([phrase, called.join(', ') || 'none', list.join(', ') || 'none'])
        if (called.join() !== tools.join()) faults.push(`"${phrase}" called ${called.join(', ') || 'nothing'} instead of ${tools.join(', ') || 'nothing'}`)
        if (list.join() !== tasks.join()) faults.push(`after "${phrase}" the list is ${list.join(', ') || 'empty'} instead of ${tasks.join(', ') || 'empty'}`)
      }
      const table = { head: ['phrase', 'tools', 'list afterwards'], rows }
      demandNone(faults, 'otherwise', { summary: `${PHRASES.length} phrases`, table })
      return { summary: `${PHRASES.length} phrases, model: ${info.model.name}`, table }
    },
  },
  {
    id: 'CONF-233',
    ring: 'behaviour',
    title: 'A conversation survives every backend pod',
    must: 'A conversation MUST go on, with its whole history, after every backend pod was deleted.',
    why: 'memory in a process is lost with each rollout, and wrong with more than one replica',
    source: 'design.md 5: stateless, history is in the database',
    needs: ['application', 'ingress'],
    lane: 'alone',
    timeoutMs: TIMEOUTS.story,
    async run(world) {
      const { cluster, namespace, signal } = world
      const app = world.app()
      const user = await app.user('survivor')
      const first = await app.chat(user, 'add buy stamps')
      const old = (await serving(cluster, namespace, 'backend')).map(podName)
      demand(old.length > 0, 'no backend pod serves')
      await Promise.all(old.map((name) => cluster.remove({ apiVersion: 'v1', kind: 'Pod', namespace, name })))
      await settled(cluster, namespace, 'backend', signal)
      const now = (await serving(cluster, namespace, 'backend')).map(podName)
      demandNone(now.filter((name) => old.includes(name)), 'still there')
      const second = await waitFor('the chat to answer again', TIMEOUTS.readinessFollows, signal, () => app.chat(user, 'show all my tasks', first.conversation_id).catch((error: unknown) => (error as Error).message))
      demand(second.response.includes('buy stamps'), `the answer after the deletion is: ${second.response}`)
      const messages = await app.expect<Message[]>(200, 'GET', `/api/${user.id}/conversations/${first.conversation_id}/messages`, { user })
      demand(messages.map(({ role }) => role).join() === 'user,assistant,user,assistant', `the history has ${messages.length} messages: ${messages.map(({ role }) => role).join()}`)
      return { summary: `${old.join(', ')} deleted; ${now.join(', ')} went on with conversation ${first.conversation_id}` }
    },
  },
]
