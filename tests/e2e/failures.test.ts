import { describe } from 'vitest'
import { expect, shoot, test } from './fixtures.ts'

describe('when something fails', () => {
  test('a chat answer that is cut off is fetched by a second try, and nothing is doubled', async ({ open, userId }) => {
    const todo = await open({ expectedErrors: /ERR_(FAILED|CONNECTION)/ })
    await todo.signIn(userId)
    const keys: (string | undefined)[] = []
    todo.page.on('request', (request) => {
      if (request.url().endsWith('/chat/stream')) keys.push(request.headers()['idempotency-key'])
    })
    // The backend gets the whole request and answers it; the answer never reaches the page.
    await todo.page.route('**/chat/stream', async (route) => {
      const request = route.request()
      await todo.page.request.post(request.url(), { headers: await request.allHeaders(), data: request.postData() ?? '' })
      await route.abort('failed')
    }, { times: 1 })

    await todo.message.fill('add buy milk')
    await todo.message.press('Enter')
    await todo.alert.getByText('The server could not be reached.').waitFor()
    await shoot(todo.page, 'chat-failed')
    await todo.button('Try again').click()
    await todo.messages.getByText('Added “buy milk”').waitFor()
    expect(keys).toHaveLength(2)
    expect(keys[0]).toBeTruthy()
    expect(keys[1]).toBe(keys[0])
    expect(await todo.messages.getByText('add buy milk', { exact: true }).count()).toBe(1)

    await todo.page.reload()
    await todo.task('buy milk').waitFor()
    expect(await todo.taskTitles()).toEqual(['buy milk'])
    await todo.conversations.getByRole('button', { name: /^add buy milk/ }).click()
    await todo.messages.getByText('Added “buy milk”').waitFor()
    expect(await todo.messages.getByText('add buy milk', { exact: true }).count()).toBe(1)
  })

  test('a change in the list is taken back and can be tried again', async ({ open, userId }) => {
    const todo = await open({ expectedErrors: /ERR_FAILED/ })
    await todo.signIn(userId)
    await todo.say('add buy milk')
    await todo.page.route('**/tasks/*', (route) => route.abort('failed'), { times: 1 })
    await todo.task('buy milk').click()
    await todo.alert.getByText('“buy milk” was not changed.').waitFor()
    expect(await todo.task('buy milk').isChecked()).toBe(false)
    await shoot(todo.page, 'task-failed')
    await todo.button('Try again').click()
    await todo.page.getByText('1 of 1 done').waitFor()
    await todo.alert.waitFor({ state: 'detached' })
  })

  test('without a network it says so, and goes on when it is back', async ({ open, userId }) => {
    const todo = await open({ expectedErrors: /ERR_INTERNET_DISCONNECTED/ })
    await todo.signIn(userId)
    await todo.settled()
    await todo.page.context().setOffline(true)
    await todo.alert.getByText('You are offline.').waitFor()
    await todo.message.fill('add buy milk')
    await todo.message.press('Enter')
    await todo.messages.getByText('The server could not be reached.').waitFor()
    await shoot(todo.page, 'offline')
    await todo.page.context().setOffline(false)
    await todo.page.getByText('You are offline.').waitFor({ state: 'detached' })
    await todo.button('Try again').click()
    await todo.task('buy milk').waitFor()
  })

  test('a refused token leads back to the login, and says why', async ({ open, userId }) => {
    const todo = await open({ expectedErrors: /401/ })
    await todo.signIn(userId)
    await todo.page.evaluate(
      `sessionStorage.setItem("todo-chat.session", JSON.stringify({ ...JSON.parse(sessionStorage.getItem("todo-chat.session")), token: "forged" }))`,
    )
    await todo.page.reload()
    await todo.alert.waitFor()
    await todo.userName.waitFor()
    expect(await todo.page.evaluate('sessionStorage.length')).toBe(0)
  })
})
