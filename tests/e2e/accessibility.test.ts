import { describe } from 'vitest'
import { desktop, expectAccessible, phone, shoot, test } from './fixtures.ts'

describe.each([
  ['desktop-light', desktop],
  ['desktop-dark', { ...desktop, colorScheme: 'dark' as const }],
  ['phone-light', phone],
  ['phone-dark', { ...phone, colorScheme: 'dark' as const }],
])('on %s', (name, device) => {
  test('every screen passes axe', async ({ open, userId }) => {
    const todo = await open({ device })
    await todo.userName.waitFor()
    await expectAccessible(todo.page)
    await shoot(todo.page, `${name}-sign-in`)

    await todo.signIn(userId)
    await todo.settled()
    await expectAccessible(todo.page)
    await todo.say('add buy milk')
    await todo.say('add water the plants on the balcony')
    await todo.say('complete buy milk')
    await todo.messages.getByText('Completed “buy milk”').click()
    await expectAccessible(todo.page)
    await shoot(todo.page, `${name}-chat`)

    const tasksPanel = todo.button(/^Tasks/)
    if (await tasksPanel.isVisible()) await tasksPanel.click()
    await todo.button('Edit water the plants on the balcony').click()
    await expectAccessible(todo.page)
    await shoot(todo.page, `${name}-edit`)
    await todo.button('Cancel').click()
    await todo.button('Delete buy milk').click()
    await expectAccessible(todo.page)
    await shoot(todo.page, `${name}-delete`)
  })
})
