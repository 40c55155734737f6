/** Signs in through the identity provider for tests by plain HTTP, as a browser would: redirects, cookies and one form. */
import { CookieJar } from 'tough-cookie'
import { type Dispatcher, fetch, type RequestInit, type Response } from 'undici'

const MOST_REDIRECTS = 20

/** Longest wait for one answer. */
const ANSWER_MS = 15_000

/** What a session needs. */
export type SignInOptions = {
  /** Where the page is served, without a path: the backend's TODO_PUBLIC_URL. */
  page: string
  /** Any name. */
  user: string
  /** How connections are made: a private authority, another address than the name says. */
  dispatcher?: Dispatcher
}

/** Somebody who is signed in. */
export type SignedIn = {
  userId: string
  name: string
  expiresAt: string
  /** The `Cookie` header for requests to the page. */
  cookie: string
  /** A request to the page with the session: cookies, and the `Origin` that changes need. */
  fetch: (path: string, init?: RequestInit) => Promise<Response>
}

/**
 * @returns the session
 * @throws {Error} when a step does not answer as expected; says which, and what came instead
 */
export async function signIn(options: SignInOptions): Promise<SignedIn> {
  const browser = new PlainBrowser(options.dispatcher)
  const origin = new URL(options.page).origin
  const form = await browser.go(`${origin}/api/auth/login?next=/`)
  const action = /<form[^>]* action="([^"]+)"/.exec(form.body)?.[1]
  if (action === undefined) throw unexpected('the login form of the identity provider', form)
  const arrived = await browser.go(new URL(action, form.url).href, new URLSearchParams({ user: options.user, answer: 'yes' }))
  // A failure is shown where it happened: at the provider, or at the address it sent the browser back to.
  if (new URL(arrived.url).origin !== origin || new URL(arrived.url).pathname.startsWith('/api/')) throw unexpected(`the page at ${origin}`, arrived)

  const request = (path: string, init: RequestInit = {}): Promise<Response> => browser.send(new URL(path, origin).href, { ...init, headers: { Origin: origin, ...(init.headers as Record<string, string> | undefined) } })
  const answer = await request('/api/auth/session')
  if (!answer.ok) throw new Error(`${origin}/api/auth/session answered ${answer.status} after signing in: ${await answer.text()}`)
  const session = (await answer.json()) as { user_id: string; name: string; expires_at: string }
  return { userId: session.user_id, name: session.name, expiresAt: session.expires_at, cookie: browser.cookies(origin), fetch: request }
}

type Page = { url: string; status: number; body: string }

/** Cookies as a browser keeps them, redirects as a browser follows them. */
class PlainBrowser {
  readonly #jar = new CookieJar()
  readonly #dispatcher: Dispatcher | undefined

  constructor(dispatcher: Dispatcher | undefined) {
    this.#dispatcher = dispatcher
  }

  cookies(url: string): string {
    return this.#jar.getCookieStringSync(url)
  }

  async send(url: string, init: RequestInit = {}): Promise<Response> {
    const cookie = this.cookies(url)
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_MS),
      ...init,
      headers: { ...(init.headers as Record<string, string> | undefined), ...(cookie === '' ? {} : { Cookie: cookie }) },
      ...(this.#dispatcher === undefined ? {} : { dispatcher: this.#dispatcher }),
    }).catch((error: unknown) => {
      const { cause = error } = error as { cause?: unknown }
      throw new Error(`${withoutQuery(url)} did not answer: ${cause instanceof Error ? cause.message : String(cause)}`, { cause: error })
    })
    for (const each of response.headers.getSetCookie()) this.#jar.setCookieSync(each, url)
    return response
  }

  /** Opens an address, or sends a form to it, and follows redirects with GET. */
  async go(address: string, form?: URLSearchParams): Promise<Page> {
    let url = address
    let init: RequestInit = form === undefined ? {} : { method: 'POST', body: form }
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
      const response = await this.send(url, { ...init, headers: { Accept: 'text/html' } })
      const location = response.headers.get('location')
      const body = await response.text()
      if (location === null) return { url, status: response.status, body }
      url = new URL(location, url).href
      init = {}
    }
    throw new Error(`more than ${MOST_REDIRECTS} redirects from ${address}; the last one led to ${url}`)
  }
}

function unexpected(expected: string, { url, status, body }: Page): Error {
  const words = body.replaceAll(/<(style|script)[^]*?<\/\1>|<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ').trim().slice(0, 300)
  return new Error(`signing in did not reach ${expected}: ${withoutQuery(url)} answered ${status}: ${words}`)
}

/** The query of an address on the way may hold a code. */
function withoutQuery(url: string): string {
  return url.replace(/\?.*/, '')
}
