/** The identity provider for tests and the sign-in by plain HTTP, against a page that is small enough to read. */
import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createProbe } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningProvider, startProvider } from '../../identity/provider.ts'
import { readSettings } from '../../identity/settings.ts'
import { signIn } from '../../identity/sign-in.ts'

const CLIENT = { id: 'todo-chat', secret: 'only-for-tests' }

let provider: RunningProvider
let issuer: string
let page: { url: string; close: () => void }

beforeAll(async () => {
  const ports = await Promise.all([freePort(), freePort()])
  issuer = `http://127.0.0.1:${ports[0]}`
  page = await startPage(ports[1])
  provider = await startProvider({ port: ports[0], issuer, clientId: CLIENT.id, clientSecret: CLIENT.secret, redirectUris: [`${page.url}/api/auth/callback`], tls: undefined })
})

afterAll(async () => {
  page.close()
  await provider.close()
})

describe('signing in by plain HTTP', () => {
  it.each(['ada', 'Ada Lovelace <ada@example.org>'])('gives the session of %s', async (user) => {
    const session = await signIn({ page: page.url, user })
    expect(session.userId).toBe(user)
    expect(session.cookie).toMatch(/(^|; )todo-session=/)
    const answer = await session.fetch('/api/auth/session')
    expect(await answer.json()).toMatchObject({ user_id: user })
    expect(answer.headers.get('x-seen-origin')).toBe(page.url)
  })

  it('says which address did not answer, without its query', async () => {
    await expect(signIn({ page: `http://127.0.0.1:${await freePort()}`, user: 'ada' })).rejects.toThrow(/^http:\/\/127\.0\.0\.1:\d+\/api\/auth\/login did not answer: .*ECONNREFUSED/)
  })

  it('says what came instead of the login form', async () => {
    await expect(signIn({ page: issuer, user: 'ada' })).rejects.toThrow(/did not reach the login form .* answered 404/)
  })

  it('says what the provider does not accept', async () => {
    await expect(signIn({ page: page.url, user: ' ' })).rejects.toThrow(/did not reach the page .* A user name has 1 to 255 characters/)
  })
})

describe('the provider', () => {
  it('insists on PKCE', async () => {
    const query = new URLSearchParams({ client_id: CLIENT.id, redirect_uri: `${page.url}/api/auth/callback`, response_type: 'code', scope: 'openid', state: 's' })
    const answer = await fetch(`${issuer}/auth?${query.toString()}`, { redirect: 'manual' })
    expect(answer.headers.get('location')).toContain('error=invalid_request')
  })

  it('sends nobody to an address that is not registered', async () => {
    const query = new URLSearchParams({ client_id: CLIENT.id, redirect_uri: 'http://evil.test/', response_type: 'code', scope: 'openid' })
    const answer = await fetch(`${issuer}/auth?${query.toString()}`, { redirect: 'manual' })
    expect(answer.status).toBe(400)
    expect(answer.headers.get('location')).toBeNull()
  })

  it('shows no form for a login that it does not know', async () => {
    const answer = await fetch(`${issuer}/interaction/unknown`)
    expect(answer.status).toBe(400)
    expect(await answer.text()).toMatch(/^This login is over/)
  })
})

describe('its settings', () => {
  it('all come from the environment', () => {
    expect(readSettings({ ISSUER: 'https://id.test', CLIENT_ID: 'a', REDIRECT_URIS: 'https://b.test/x, https://c.test/x,', PORT: '8443', CLIENT_SECRET: 's' })).toEqual({
      port: 8443,
      issuer: 'https://id.test',
      clientId: 'a',
      clientSecret: 's',
      redirectUris: ['https://b.test/x', 'https://c.test/x'],
      tls: undefined,
    })
  })

  it('are refused together, each by its name', () => {
    expect(() => readSettings({ REDIRECT_URIS: 'evil.test', PORT: 'x', TLS_KEY_FILE: '/x' })).toThrow(
      'the identity provider cannot start: ISSUER is not set; CLIENT_ID is not set; REDIRECT_URIS has to be an http or https URL, not evil.test; PORT has to be a port, not x; TLS_KEY_FILE and TLS_CERT_FILE belong together',
    )
  })
})

/** A page with the backend's routes for signing in, as short as it goes. */
async function startPage(port: number): Promise<{ url: string; close: () => void }> {
  const url = `http://127.0.0.1:${port}`
  const verifier = randomBytes(32).toString('base64url')
  const redirect = `${url}/api/auth/callback`
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = new URL(request.url ?? '/', url)
    if (asked.pathname === '/api/auth/login') {
      const query = new URLSearchParams({ client_id: CLIENT.id, redirect_uri: redirect, response_type: 'code', scope: 'openid profile', state: 's', code_challenge_method: 'S256', code_challenge: createHash('sha256').update(verifier).digest('base64url') })
      response.writeHead(302, { Location: `${issuer}/auth?${query.toString()}` }).end()
    } else if (asked.pathname === '/api/auth/callback') {
      const tokens = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { Authorization: `Basic ${Buffer.from(`${CLIENT.id}:${CLIENT.secret}`).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'authorization_code', code: asked.searchParams.get('code') ?? '', redirect_uri: redirect, code_verifier: verifier }),
      })
      const { access_token: token } = (await tokens.json()) as { access_token: string }
      response.writeHead(302, { Location: '/', 'Set-Cookie': `todo-session=${token}; Path=/; HttpOnly; SameSite=Lax` }).end()
    } else if (asked.pathname === '/api/auth/session') {
      const token = /todo-session=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
      const info = await fetch(`${issuer}/me`, { headers: { Authorization: `Bearer ${token}` } })
      const { sub, name } = (await info.json()) as { sub: string; name: string }
      response.writeHead(info.status, { 'X-Seen-Origin': request.headers.origin ?? '' }).end(JSON.stringify({ user_id: sub, name, expires_at: '' }))
    } else {
      response.end('<!doctype html><title>The page</title>')
    }
  }
  const server = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return { url, close: () => server.close() }
}

async function freePort(): Promise<number> {
  const probe = createProbe()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => probe.close(resolve))
  return port
}
