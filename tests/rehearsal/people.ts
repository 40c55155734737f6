/** A person in production: signs in through the provider, adds a task, asks the assistant for another one, and signs out. */
import { lookup as resolve } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { Agent } from 'undici'
import { signIn } from '../identity/sign-in.ts'

/**
 * @param origin where the ingress controller of production listens
 * @param host its host name, which no name server knows
 * @param authority PEM of the certificate authority
 * @returns what was seen
 * @throws Error that says which step did not answer as it should
 */
export async function usedByAPerson(origin: string, host: string, authority: string): Promise<string> {
  const address = new URL(origin).hostname
  const lookup: LookupFunction = (name, options, answer) => {
    if (name !== host) resolve(name, options, answer as never)
    else if (options.all) answer(null, [{ address, family: 4 }])
    else answer(null, address, 4)
  }
  const dispatcher = new Agent({ connect: { ca: authority, lookup } })
  try {
    const person = await signIn({ page: `https://${host}`, user: 'ada', dispatcher })
    const tasks = `/api/${encodeURIComponent(person.userId)}/tasks`
    const ask = async (status: number, path: string, body?: object): Promise<unknown> => {
      const answer = await person.fetch(path, body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
      const text = await answer.text()
      if (answer.status !== status) throw new Error(`${path} answered HTTP ${answer.status}, expected ${status}: ${text.slice(0, 300)}`)
      return text === '' ? undefined : JSON.parse(text)
    }
    await ask(201, tasks, { title: 'by hand' })
    const turn = (await ask(200, `/api/${encodeURIComponent(person.userId)}/chat`, { message: 'add by the assistant' })) as { tool_calls: { name: string; ok: boolean }[] }
    if (!turn.tool_calls.some(({ name, ok }) => name === 'add_task' && ok)) throw new Error(`the assistant answered without a successful add_task: ${JSON.stringify(turn)}`)
    const titles = ((await ask(200, tasks)) as { title: string }[]).map(({ title }) => title)
    for (const title of ['by hand', 'by the assistant']) if (!titles.includes(title)) throw new Error(`the list lacks "${title}": ${titles.join(', ')}`)
    await person.fetch('/api/auth/logout', { method: 'POST' })
    const after = await person.fetch('/api/auth/session')
    if (after.status !== 401) throw new Error(`after signing out the session still answers HTTP ${after.status}`)
    return `${person.name} signed in, has ${titles.length} tasks, and signed out`
  } finally {
    await dispatcher.close()
  }
}
