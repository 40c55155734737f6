import { describe } from 'vitest'
import { expect, test } from './fixtures.ts'

describe('with the keyboard alone', () => {
  test('a task is added by chat, completed, changed and deleted, and the focus is never lost', async ({ open, userId }) => {
    const todo = await open()
    const { keyboard } = todo.page

    await todo.tabTo(todo.userName)
    await keyboard.type(userId)
    await keyboard.press('Enter')
    await todo.message.waitFor()
    expect(await todo.hasFocus(todo.message)).toBe(true)

    await keyboard.type('add buy milk')
    await keyboard.press('Enter')
    await todo.task('buy milk').waitFor()
    expect(await todo.hasFocus(todo.message)).toBe(true)

    await todo.tabTo(todo.newTask)
    await keyboard.type('call mum')
    await keyboard.press('Enter')
    await todo.task('call mum').waitFor()
    expect(await todo.hasFocus(todo.newTask)).toBe(true)

    await todo.tabTo(todo.task('buy milk'))
    await keyboard.press('Space')
    await todo.page.getByText('1 of 2 done').waitFor()
    expect(await todo.hasFocus(todo.task('buy milk'))).toBe(true)

    await todo.tabTo(todo.button('Edit call mum'), 'Shift+Tab')
    await keyboard.press('Enter')
    expect(await todo.hasFocus(todo.page.getByRole('textbox', { name: 'Title' }))).toBe(true)
    await keyboard.press('End')
    await keyboard.type(' tonight')
    await keyboard.press('Enter')
    await todo.task('call mum tonight').waitFor()
    expect(await todo.hasFocus(todo.button('Edit call mum tonight'))).toBe(true)

    await todo.tabTo(todo.button('Delete call mum tonight'))
    await keyboard.press('Enter')
    expect(await todo.hasFocus(todo.button('Keep'))).toBe(true)
    await keyboard.press('Escape')
    expect(await todo.hasFocus(todo.button('Delete call mum tonight'))).toBe(true)
    await keyboard.press('Enter')
    await keyboard.press('Shift+Tab')
    await keyboard.press('Enter')
    await todo.task('call mum tonight').waitFor({ state: 'detached' })
    expect(await todo.hasFocus(todo.task('buy milk'))).toBe(true)

    await todo.tabTo(todo.page.getByRole('radio', { name: /^All/ }), 'Shift+Tab')
    await keyboard.press('ArrowRight')
    await todo.page.getByText('Nothing pending').waitFor()
  })

  test('a screen reader hears what was done and the whole answer', async ({ open, userId }) => {
    const todo = await open()
    await todo.signIn(userId)
    await todo.say('add buy milk')
    await todo.status.getByText(/^Assistant: .*buy milk/).waitFor()
    await todo.task('buy milk').check()
    await todo.status.getByText('Completed buy milk.').waitFor()
  })
})
