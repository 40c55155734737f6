/** The contract of the REST routes, through the ingress. */
import type { Task } from '../app.ts'
import { signToken } from '../../../deploy/src/proof/token.ts'
import { todoChat } from '../../../deploy/src/todo-chat.ts'
import { type Requirement, demand, demandNone } from '../requirement.ts'
import { TIMEOUTS } from '../timeouts.ts'

type Problem = { error?: { code?: string; message?: string; request_id?: string } }

export const REST: readonly Requirement[] = [
  {
    id: 'CONF-220',
    ring: 'behaviour',
    title: 'Life of a task over REST',
    must: 'A task MUST be created, read, changed, completed, listed by status and deleted over the REST routes.',
    why: 'the task list beside the chat is the half of the application that needs no model',
    source: 'design.md 5',
    needs: ['application', 'ingress'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.read,
    async run(world) {
      const app = world.app()
      const user = await app.user('rest')
      const path = `/api/${user.id}/tasks`
      const made = await app.expect<Task>(201, 'POST', path, { user, body: { title: 'buy milk', description: 'two litres' } })
      demand(made.title === 'buy milk' && made.description === 'two litres' && !made.completed && made.user_id === user.id, `the new task is ${JSON.stringify(made)}`)
      const changed = await app.expect<Task>(200, 'PATCH', `${path}/${made.id}`, { user, body: { title: 'buy oat milk' } })
      demand(changed.title === 'buy oat milk' && changed.description === 'two litres', `the changed task is ${JSON.stringify(changed)}`)
      demand((await app.tasks(user, 'pending')).map(({ id }) => id).join() === String(made.id), 'the list of pending tasks does not hold exactly the new task')
      const done = await app.expect<Task>(200, 'PATCH', `${path}/${made.id}/complete`, { user })
      const again = await app.expect<Task>(200, 'PATCH', `${path}/${made.id}/complete`, { user })
      demand(done.completed && again.completed, 'completing, twice, did not leave the task completed')
      demand((await app.tasks(user, 'pending')).length === 0 && (await app.tasks(user, 'completed')).length === 1, 'the lists by status do not follow')
      await app.expect(204, 'DELETE', `${path}/${made.id}`, { user })
      await app.expect(404, 'GET', `${path}/${made.id}`, { user })
      return { summary: `task ${made.id}: created, changed, completed, listed, deleted` }
    },
  },
  {
    id: 'CONF-221',
    ring: 'behaviour',
    title: 'REST refusals',
    must: 'Requests without a token, with a foreign, expired or forged one, for another user’s data or with bad input MUST be refused with the documented status and code, and MUST change nothing.',
    why: 'one user reads or changes the tasks of another',
    source: 'design.md 5; the contract’s table of errors',
    needs: ['application', 'ingress'],
    lane: 'shared',
    timeoutMs: TIMEOUTS.read,
    async run(world) {
      const app = world.app()
      const [owner, stranger] = await Promise.all([app.user('owner'), app.user('stranger')])
      const path = `/api/${owner.id}/tasks`
      const task = await app.expect<Task>(201, 'POST', path, { user: owner, body: { title: 'mine' } })
      const forged = signToken(todoChat.proof.tokens, Buffer.alloc(32, 'x'), owner.id, Date.now())
      const expired = (await app.user('unused')) && signToken(todoChat.proof.tokens, Buffer.alloc(32, 'x'), owner.id, 0)
      const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${owner.token.split('.')[1]}.`
      const questions: [name: string, method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, options: Parameters<typeof app.send>[2], status: number, code: string][] = [
        ['no token', 'GET', path, {}, 401, 'unauthorized'],
        ['a forged token', 'GET', path, { token: forged }, 401, 'token_invalid'],
        ['an old forged token', 'GET', path, { token: expired }, 401, 'token_invalid'],
        ['an unsigned token', 'GET', path, { token: unsigned }, 401, 'token_invalid'],
        ['the list of another user', 'GET', path, { user: stranger }, 403, 'forbidden'],
        ['another user’s task under the own name', 'GET', `/api/${stranger.id}/tasks/${task.id}`, { user: stranger }, 404, 'task_not_found'],
        ['deleting another user’s task', 'DELETE', `/api/${stranger.id}/tasks/${task.id}`, { user: stranger }, 404, 'task_not_found'],
        ['an empty title', 'POST', path, { user: owner, body: { title: '' } }, 422, 'validation_error'],
        ['no JSON', 'POST', path, { user: owner, body: '{"title":', headers: { 'content-type': 'application/json' } }, 400, 'invalid_json'],
        ['a body of 100 KiB', 'POST', path, { user: owner, body: { title: 'x'.repeat(100 * 1024) } }, 413, 'payload_too_large'],
        ['a task that does not exist', 'PATCH', `${path}/999999999`, { user: owner, body: { title: 'none' } }, 404, 'task_not_found'],
      ]
      const faults: string[] = []
      const rows: string[][] = []
      for (const [name, method, path, options, status, code] of questions) {
        const reply = await app.send<Problem>(method, path, options)
        const seen = `${reply.status} ${reply.body?.error?.code ?? ''}`
        rows.push([name, `${status} ${code}`, seen])
        if (reply.status !== status || reply.body?.error?.code !== code) faults.push(`${name}: ${seen} instead of ${status} ${code}`)
        else if (!reply.body.error.request_id) faults.push(`${name}: the error names no request id`)
      }
      const table = { head: ['request', 'expected', 'answered'], rows }
      demandNone(faults, 'answered otherwise', { summary: `${questions.length} requests`, table })
      const left = await app.tasks(owner)
      demand(left.length === 1 && left[0]?.title === 'mine', `after the refusals the owner has ${JSON.stringify(left.map(({ title }) => title))}`)
      return { summary: `${questions.length} refusals`, table }
    },
  },
]
