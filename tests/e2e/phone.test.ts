import { describe } from 'vitest'
import { expect, phone, shoot, test } from './fixtures.ts'

/** Least size of what a finger has to hit, in CSS pixels (WCAG 2.2, success criterion 2.5.8). */
const LEAST_TARGET = 24

describe('on a phone', () => {
  test('chat and tasks are two panels, and a task goes from one to the other', async ({ open, userId }) => {
    const todo = await open({ device: phone })
    await todo.signIn(userId)
    await todo.say('add buy milk')
    expect(await todo.task('buy milk').isVisible()).toBe(false)
    await shoot(todo.page, 'phone-chat')
    await todo.button('Tasks 1').tap()
    await todo.task('buy milk').tap()
    await todo.button('Tasks 0').waitFor()
    expect(await todo.message.isVisible()).toBe(false)
    await shoot(todo.page, 'phone-tasks')
    await todo.page.reload()
    await todo.button('Tasks 0').tap()
    await todo.task('buy milk').waitFor()
    expect(await todo.task('buy milk').isChecked()).toBe(true)
  })

  test('earlier conversations open from a list over the chat', async ({ open, userId }) => {
    const todo = await open({ device: phone })
    await todo.signIn(userId)
    await todo.say('hello')
    await todo.button('New conversation').tap()
    await todo.button('Conversations').tap()
    await todo.conversations.getByRole('button', { name: /^hello/ }).tap()
    await todo.messages.getByText('hello', { exact: true }).waitFor()
    expect(await todo.conversations.isVisible()).toBe(false)
  })

  test('nothing is wider than the screen, and every button can be hit', async ({ open, userId }) => {
    const todo = await open({ device: phone })
    await todo.signIn(userId)
    await todo.say(`add ${'averyveryverylongword'.repeat(6)}`)
    for (const panel of ['Chat', /^Tasks/]) {
      await todo.button(panel).tap()
      await todo.settled()
      expect(await todo.page.evaluate('document.documentElement.scrollWidth')).toBe(phone.viewport?.width)
      for (const button of await todo.page.getByRole('button').all()) {
        const box = await button.boundingBox()
        expect(box, `the size of ${button.toString()}`).not.toBeNull()
        expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(LEAST_TARGET)
      }
    }
  })
})
