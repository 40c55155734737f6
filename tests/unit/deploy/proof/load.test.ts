import { describe, expect, it } from 'vitest'
import type { HttpRequest, HttpTarget } from '../../../../deploy/src/cluster/http.ts'
import type { Proof } from '../../../../deploy/src/proof/application.ts'
import { prepareLoad } from '../../../../deploy/src/proof/load.ts'
import type { Prober } from '../../../../deploy/src/proof/prober.ts'

/** An application of another kind than todo-chat. */
const OPEN: Proof['load'] = {
  open: [
    { name: 'version', service: 'web', path: '/version', weight: 1, ingressWeight: 3 },
    { name: 'cache', service: 'cache', path: '/cache', weight: 1, ingressWeight: 1 },
  ],
}
const PERSONAL: Proof['load'] = {
  ...OPEN,
  personal: {
    perUser: 2,
    leastUsers: 2,
    make: (user) => ({ method: 'POST', path: `/notes?of=${user}` }),
    made: 201,
    remove: (_user, id) => ({ method: 'DELETE', path: `/notes/${id}` }),
    routes: [{ name: 'read', weight: 5, request: (user, id, index) => ({ method: 'GET', path: `/notes/${id}?of=${user}&turn=${index}` }) }],
  },
}
const PROBER: Prober = { user: (index) => `u${index}`, headers: (index) => ({ authorization: `of u${index}` }) }

function target(name: string, statusOf: (request: HttpRequest) => number = ({ method }) => (method === 'POST' ? 201 : 200)): HttpTarget & { asked: string[] } {
  const asked: string[] = []
  return {
    name,
    asked,
    async send(request) {
      asked.push(`${request.method} ${request.path}${request.headers === undefined ? '' : ` ${request.headers['authorization']}`}`)
      return { status: statusOf(request), headers: {}, body: JSON.stringify({ id: 7 + asked.length }) }
    },
    close: async () => undefined,
  }
}

describe('the load of an application', () => {
  it('goes to the pods of each Service where no ingress is known', async () => {
    const [web, cache] = [target('web'), target('cache')]
    const setup = await prepareLoad(PERSONAL, { web, cache }, PROBER, 10)
    expect(setup?.routes.map(({ name, target, weight }) => [name, target.name, weight])).toEqual([['version', 'web', 1], ['cache', 'cache', 1]])
  })

  it('is none while a Service has no ready pod, or the first route does not answer', async () => {
    expect(await prepareLoad(OPEN, { web: target('web') }, PROBER, 10)).toBeUndefined()
    expect(await prepareLoad(OPEN, { ingress: target('ingress', () => 503) }, PROBER, 10)).toBeUndefined()
  })

  it('asks through the ingress for everything, as enough users for the rate, each with its own row', async () => {
    const ingress = target('ingress')
    const setup = await prepareLoad(PERSONAL, { ingress, web: target('web') }, PROBER, 6)
    expect(setup?.routes.map(({ name, target, weight }) => [name, target.name, weight])).toEqual([['version', 'ingress', 3], ['cache', 'ingress', 1], ['read', 'ingress', 5]])
    expect(ingress.asked).toEqual(['GET /version', 'POST /notes?of=u0 of u0', 'POST /notes?of=u1 of u1', 'POST /notes?of=u2 of u2'])
    expect(setup?.routes[2]?.request(4)).toEqual({ method: 'GET', path: '/notes/10?of=u1&turn=4', headers: { authorization: 'of u1' } })
    await setup?.cleanUp()
    expect(ingress.asked.slice(4)).toEqual(['DELETE /notes/9 of u0', 'DELETE /notes/10 of u1', 'DELETE /notes/11 of u2'])
  })

  it('without personal routes asks only the open ones', async () => {
    const ingress = target('ingress')
    const setup = await prepareLoad(OPEN, { ingress }, PROBER, 6)
    expect(setup?.routes.map(({ name }) => name)).toEqual(['version', 'cache'])
    await setup?.cleanUp()
    expect(ingress.asked).toEqual(['GET /version'])
  })
})
