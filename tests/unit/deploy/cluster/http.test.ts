import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ingressTarget } from '../../../../deploy/src/cluster/http.ts'

const FIXTURES = join(import.meta.dirname, '../../../fixtures/tls')
const pem = (name: string): string => readFileSync(join(FIXTURES, name), 'utf8')
const AUTHORITY = pem('authority.pem')

describe('an ingress with a certificate of a private authority', () => {
  let url: URL
  const server = createServer({ key: pem('server-key.pem'), cert: pem('server.pem') }, (request, response) => {
    response.end(JSON.stringify({ host: request.headers.host, servername: (request.socket as TLSSocket & { servername?: string }).servername }))
  })
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  async function ask(host: string, verifyTls: boolean, ca?: string): Promise<unknown> {
    const target = ingressTarget(url, host, verifyTls, ca)
    try {
      return JSON.parse((await target.send({ method: 'GET', path: '/' }, 5_000)).body)
    } finally {
      await target.close()
    }
  }

  it('answers at its address under the name of the host, when the authority is given', async () => {
    expect(await ask('todo.example.org', true, AUTHORITY)).toEqual({ host: 'todo.example.org', servername: 'todo.example.org' })
  })

  it('is refused without the authority', async () => {
    await expect(ask('todo.example.org', true)).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
  })

  it('is refused for another host', async () => {
    await expect(ask('other.example.org', true, AUTHORITY)).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })

  it('is taken for any host where no certificate is asked about', async () => {
    expect(await ask('other.example.org', false)).toEqual({ host: 'other.example.org', servername: 'other.example.org' })
  })
})
