/** Signing in through an identity provider, by https, as in staging and production. */
import { describe } from 'vitest'
import { signIn } from '../identity/sign-in.ts'
import { expect, expectAccessible, phone, shoot, test } from './fixtures.ts'
import { signInUrl } from './settings.ts'

/** A browser logs every answer of this kind; the page asks whether there is a session. */
const NOT_SIGNED_IN = /status of 401/

describe('with an identity provider', () => {
  const url = signInUrl()

  test('a person signs in, works, and signs out', async ({ open, userId }) => {
    const todo = await open({ url, expectedErrors: NOT_SIGNED_IN })
    await todo.signInLink.waitFor()
    expect(await todo.userName.count(), 'no login without the provider').toBe(0)
    await expectAccessible(todo.page)
    await shoot(todo.page, 'provider-sign-in')
    await todo.signInAt(userId)
    await todo.page.getByText(userId).waitFor()
    await todo.say('add buy milk')
    await todo.task('buy milk').waitFor()
    await expectAccessible(todo.page)
    await shoot(todo.page, 'provider-signed-in')
    await todo.page.reload()
    await todo.task('buy milk').waitFor()

    const cookies = await todo.page.context().cookies(url)
    expect(cookies.map(({ name, httpOnly, secure, sameSite, path }) => ({ name, httpOnly, secure, sameSite, path }))).toEqual([
      { name: '__Host-todo-session', httpOnly: true, secure: true, sameSite: 'Lax', path: '/' },
    ])
    // No script can read the session; the page keeps which conversation is open.
    expect(await todo.page.evaluate('document.cookie')).toBe('')
    expect(await todo.page.evaluate('Object.keys({ ...localStorage, ...sessionStorage })')).toEqual(['todo-chat.place'])
    const place: unknown = JSON.parse((await todo.page.evaluate<string>("sessionStorage.getItem('todo-chat.place')")) ?? '')
    expect(Object.keys(place as object)).toEqual(['user_id', 'conversationId', 'unsent'])

    await todo.button('Sign out').click()
    await todo.signInLink.waitFor()
    await todo.page.reload()
    await todo.signInLink.waitFor()
    expect(await todo.page.context().cookies(url)).toEqual([])
  })

  test('whoever cancels at the provider is told, and can try again', async ({ open, userId }) => {
    const todo = await open({ url, expectedErrors: /status of 40[13]/ })
    await todo.signInLink.click()
    await todo.button('Cancel').click()
    await todo.page.getByRole('heading', { name: 'You are not signed in' }).waitFor()
    await todo.page.getByText('did not let you in, or you cancelled there').waitFor()
    await expectAccessible(todo.page)
    await shoot(todo.page, 'provider-cancelled')
    await todo.page.getByRole('link', { name: 'Sign in again' }).click()
    await todo.answerProvider(userId)
    await todo.message.waitFor()
  })

  test('a session that is over is said, and the draft is there after signing in again', async ({ open, userId }) => {
    const todo = await open({ url, expectedErrors: NOT_SIGNED_IN })
    await todo.signInAt(userId)
    await todo.settled()
    await todo.message.fill('a long thought')
    await todo.page.context().clearCookies({ name: '__Host-todo-session' })
    await todo.newTask.fill('too late')
    await todo.newTask.press('Enter')
    await todo.alert.getByText('You are no longer signed in. Sign in again. What you typed is kept in this tab.').waitFor()
    await shoot(todo.page, 'provider-session-over')
    // The provider still knows the person: no form this time.
    await todo.signInLink.click()
    await todo.message.waitFor()
    expect(await todo.message.inputValue()).toBe('a long thought')
  })

  test('signing out everywhere ends every browser of the person, and nobody else’s', async ({ open, userId }) => {
    const [here, there, other] = [await open({ url, expectedErrors: NOT_SIGNED_IN }), await open({ url, expectedErrors: NOT_SIGNED_IN }), await open({ url, expectedErrors: NOT_SIGNED_IN })]
    await here.signInAt(userId)
    await there.signInAt(userId)
    await other.signInAt(`${userId}-other`)
    await here.button('Sign out everywhere').click()
    await here.signInLink.waitFor()
    await there.page.reload()
    await there.signInLink.waitFor()
    await there.alert.getByText('You are no longer signed in.').waitFor()
    await other.page.reload()
    await other.message.waitFor()
  })

  test('another site cannot use the session', async ({ open, userId }) => {
    const todo = await open({ url, expectedErrors: NOT_SIGNED_IN })
    await todo.signInAt(userId)
    await todo.signInLink.waitFor({ state: 'detached' })
    const tab = await todo.page.context().newPage()
    await tab.goto(new URL('/healthz', await providerOf(url)).href)
    // The request goes out and is answered; that page is not let near the answer, so it ends as a failure there.
    const sent = tab.waitForRequest(`${url}/api/auth/logout`)
    await tab.evaluate(`fetch(${JSON.stringify(`${url}/api/auth/logout`)}, { method: 'POST', mode: 'no-cors', credentials: 'include' }).catch(() => null)`)
    expect((await sent).method()).toBe('POST')
    await todo.page.reload()
    await todo.message.waitFor()
  })

  test('on a phone nothing is wider than the screen', async ({ open, userId }) => {
    const todo = await open({ url, device: phone, expectedErrors: NOT_SIGNED_IN })
    await todo.signInAt(userId)
    await todo.settled()
    expect(await todo.page.evaluate('document.documentElement.scrollWidth')).toBe(phone.viewport?.width)
    await expectAccessible(todo.page)
    await shoot(todo.page, 'provider-phone')
  })

  test('a program signs in with redirects, cookies and the form', async ({ userId }) => {
    const session = await signIn({ page: url, user: userId })
    expect(session.userId).toBe(userId)
    const added = await session.fetch(`/api/${userId}/tasks`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ title: 'from a program' }) })
    expect(added.status).toBe(201)
    const foreign = await session.fetch(`/api/${userId}/tasks`, { method: 'POST', headers: { 'Content-Type': 'application/json', Origin: 'https://evil.test' }, body: JSON.stringify({ title: 'planted' }) })
    expect(foreign.status).toBe(403)
    const info = (await (await session.fetch('/api/info')).json()) as { environment: string; sign_in: string; dev_login: boolean }
    expect(info).toMatchObject({ environment: 'staging', sign_in: 'oidc', dev_login: false })
  })
})

/** Where the page sends people to sign in. */
async function providerOf(page: string): Promise<string> {
  const answer = await fetch(`${page}/api/auth/login`, { redirect: 'manual' })
  return answer.headers.get('location') ?? 'about:blank'
}
