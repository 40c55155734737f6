/**
 * An OpenID provider for tests: the certified implementation `oidc-provider`, with one client and a login form that takes any
 * name without a password. Users, sessions and keys are in memory and end with the process.
 *
 * Started as `tsx tests/identity/provider.ts`; the environment is described in README.md beside this file.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { type Configuration, type JWKS, Provider } from 'oidc-provider'
import { loginPage } from './login-page.ts'
import { type ProviderSettings, readSettings } from './settings.ts'

const INTERACTION = /^\/interaction\/([\w-]+)$/
const CANCELLED = { error: 'access_denied', error_description: 'The person cancelled.' }

/** Longest wait for running requests when the process is told to leave. */
const CLOSE_MS = 3000

export type RunningProvider = {
  /** The port that it listens on. */
  port: number
  close: () => Promise<void>
}

/** Serves until it is closed. */
export async function startProvider(settings: ProviderSettings): Promise<RunningProvider> {
  const provider = new Provider(settings.issuer, configuration(settings))
  // Behind something that ends TLS, the scheme of a request is what that says.
  provider.proxy = settings.issuer.startsWith('https:') && settings.tls === undefined
  const answer = provider.callback()
  const listener: RequestListener = (request, response) => {
    if (request.url === '/healthz') response.writeHead(200, { 'Content-Type': 'application/json' }).end('{"status":"ok"}')
    else if (INTERACTION.test(request.url ?? '')) interact(provider, request, response).catch((error: unknown) => fail(response, error))
    else void answer(request, response)
  }
  const server: Server = settings.tls === undefined ? createHttpServer(listener) : createHttpsServer(settings.tls, listener)
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(settings.port, resolve))
  return { port: (server.address() as AddressInfo).port, close: () => close(server) }
}

function configuration({ clientId, clientSecret, redirectUris }: ProviderSettings): Configuration {
  return {
    clients: [
      {
        client_id: clientId,
        redirect_uris: redirectUris,
        grant_types: ['authorization_code'],
        response_types: ['code'],
        ...(clientSecret === undefined ? { token_endpoint_auth_method: 'none' } : { client_secret: clientSecret, token_endpoint_auth_method: 'client_secret_basic' }),
      },
    ],
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, name: sub, preferred_username: sub }) }),
    claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email'] },
    scopes: ['openid', 'profile', 'email'],
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    // Nobody is asked for consent: the client is ours.
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId: oidc.client?.clientId, accountId: oidc.session?.accountId })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    jwks: signingKey(),
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 3600, IdToken: 600, Interaction: 600, Session: 3600 },
  }
}

function signingKey(): JWKS {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: randomBytes(6).toString('hex'), alg: 'RS256', use: 'sig' }] } as JWKS
}

/** The login form: shown on GET, taken on POST. */
async function interact(provider: Provider, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const page = (status: number, problem: string | null): void => {
    response.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' }).end(loginPage(request.url ?? '', problem))
  }
  await provider.interactionDetails(request, response)
  if (request.method !== 'POST') return page(200, null)
  const form = new URLSearchParams(await text(request))
  if (form.get('answer') === 'no') return provider.interactionFinished(request, response, CANCELLED)
  const accountId = form.get('user')?.trim() ?? ''
  if (accountId === '' || accountId.length > 255) return page(422, 'A user name has 1 to 255 characters.')
  return provider.interactionFinished(request, response, { login: { accountId } })
}

function fail(response: ServerResponse, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error)
  response.writeHead(400, { 'Content-Type': 'text/plain; charset=utf-8' }).end(`This login is over: ${message}\n`)
}

async function close(server: Server): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_MS)
  server.closeIdleConnections()
  await new Promise((resolve) => server.close(resolve))
  clearTimeout(cut)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    const settings = readSettings(process.env)
    const running = await startProvider(settings)
    console.log(`identity provider ${settings.issuer} listens on port ${running.port}`)
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void running.close())
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 3
  }
}
