import { describe } from 'vitest'
import { expect, shoot, test } from './fixtures.ts'

describe('a person with tasks', () => {
  test('logs in, adds a task by chat, completes it, and finds it again after a reload', async ({ open, userId }) => {
    const todo = await open()
    await todo.signIn(userId)
    await todo.say('add buy milk')
    await todo.messages.getByText('Added “buy milk”').waitFor()
    await todo.task('buy milk').waitFor()
    expect(await todo.task('buy milk').isChecked()).toBe(false)

    await todo.say('add water the plants')
    await todo.task('buy milk').check()
    await todo.page.getByText('1 of 2 done').waitFor()
    await todo.settled()
    await shoot(todo.page, 'desktop-light')

    await todo.page.reload()
    await todo.task('buy milk').waitFor()
    expect(await todo.task('buy milk').isChecked()).toBe(true)
    expect(await todo.task('water the plants').isChecked()).toBe(false)

    await todo.conversations.getByRole('button', { name: /^add buy milk/ }).click()
    await todo.messages.getByText('Added “water the plants”').waitFor()
  })

  test('completes, changes and deletes by chat, and the list follows', async ({ open, userId }) => {
    const todo = await open()
    await todo.signIn(userId)
    for (const title of ['buy milk', 'call mum', 'pay rent']) await todo.say(`add ${title}`)
    await todo.say('complete buy milk')
    await todo.say('rename call mum to call dad')
    await todo.say('delete pay rent')
    await todo.task('call dad').waitFor()
    await todo.page.getByText('1 of 2 done').waitFor()
    expect(await todo.taskTitles()).toEqual(['call dad', 'buy milk'])
    await todo.messages.getByText('Deleted “pay rent”').waitFor()
  })

  test('adds, changes, filters and deletes in the list itself', async ({ open, userId }) => {
    const todo = await open()
    await todo.signIn(userId)
    for (const title of ['one', 'two']) {
      await todo.newTask.fill(title)
      await todo.newTask.press('Enter')
      await todo.task(title).waitFor()
    }
    await todo.button('Edit one').click()
    await todo.page.getByRole('textbox', { name: 'Title' }).fill('first')
    await todo.page.getByRole('textbox', { name: 'Description' }).fill('with <b>markup</b> & "quotes"')
    await todo.button('Save').click()
    await todo.page.getByText('with <b>markup</b> & "quotes"').waitFor()
    await todo.task('two').check()
    await todo.filter('Pending').click()
    expect(await todo.taskTitles()).toEqual(['first'])
    await todo.button('Delete first').click()
    // The list shows the change before the server has it; a reload in between would cut the request off.
    const deleted = todo.page.waitForResponse((response) => response.request().method() === 'DELETE')
    await todo.button('Delete').click()
    await todo.page.getByText('Nothing pending').waitFor()
    await deleted
    await todo.page.reload()
    await todo.task('two').waitFor()
    expect(await todo.taskTitles()).toEqual(['two'])
  })

  test('takes a deletion back, in the list and by chat', async ({ open, userId }) => {
    const todo = await open()
    await todo.signIn(userId)
    await todo.say('add buy milk')
    await todo.task('buy milk').waitFor()
    await todo.button('Delete buy milk').click()
    await todo.button('Delete').click()
    await todo.button('Undo').click()
    await todo.task('buy milk').waitFor()
    await todo.say('delete it')
    await todo.task('buy milk').waitFor({ state: 'detached' })
    await todo.say('undo')
    await todo.task('buy milk').waitFor()
  })

  test('goes on with an earlier conversation, and starts new ones', async ({ open, userId }) => {
    const todo = await open()
    await todo.signIn(userId)
    await todo.say('hello')
    await todo.button('New conversation').click()
    await todo.say('what can I do here?')
    await expect.poll(() => todo.conversations.getByRole('listitem').count()).toBe(2)
    await todo.conversations.getByRole('button', { name: /^hello/ }).click()
    await todo.messages.getByText('hello', { exact: true }).waitFor()
    await todo.say("what's pending")
    await todo.page.reload()
    await expect.poll(() => todo.conversations.getByRole('listitem').count()).toBe(2)
    await todo.conversations.getByRole('button', { name: /^hello/ }).click()
    await todo.messages.getByText("what's pending", { exact: true }).waitFor()
  })

  test('names, finds and deletes a conversation', async ({ open, userId }) => {
    const todo = await open()
    await todo.signIn(userId)
    await todo.say('add green tea')
    await todo.button('New conversation').click()
    await todo.say('hello')
    await todo.button('Rename add green tea').click()
    await todo.page.getByRole('textbox', { name: 'Name of the conversation' }).fill('Drinks')
    await todo.button('Save').click()
    await todo.conversations.getByRole('button', { name: /^Drinks/ }).waitFor()

    const search = todo.page.getByRole('searchbox', { name: 'Search conversations' })
    await search.fill('Green')
    await expect.poll(() => todo.conversations.getByRole('listitem').count()).toBe(1)
    await search.fill('')
    await expect.poll(() => todo.conversations.getByRole('listitem').count()).toBe(2)

    await todo.button('Delete Drinks').click()
    await todo.button('Delete').click()
    await expect.poll(() => todo.conversations.getByRole('listitem').count()).toBe(1)
    await todo.page.reload()
    await todo.task('green tea').waitFor()
    await todo.conversations.getByRole('button', { name: /^hello/ }).waitFor()
    expect(await todo.conversations.getByRole('button', { name: /^Drinks/ }).count()).toBe(0)
  })

  test('goes on in the conversation that was open after a reload', async ({ open, userId }) => {
    const todo = await open()
    await todo.signIn(userId)
    await todo.say('add buy milk')
    await todo.page.reload()
    await todo.messages.getByText('Added “buy milk”').waitFor()
    await todo.say('complete it')
    expect(await todo.conversations.getByRole('listitem').count()).toBe(1)
  })

  test('sees nothing of another person', async ({ open, userId }) => {
    const ada = await open()
    await ada.signIn(`${userId}-ada`)
    await ada.say('add secret plan')
    const ben = await open()
    await ben.signIn(`${userId}-ben`)
    await ben.page.getByText('No tasks yet').waitFor()
    await ben.say('show all my tasks')
    await ben.say('delete secret plan')
    expect(await ben.messages.getByText('Deleted “secret plan”').count()).toBe(0)
    await ada.page.reload()
    await ada.task('secret plan').waitFor()
  })

  test('is told which model answers', async ({ open, userId }) => {
    const todo = await open()
    await todo.signIn(userId)
    const { model } = (await (await todo.page.request.get('/api/info')).json()) as { model: { name: string; kind: string } }
    const badge = model.kind === 'scripted' ? 'scripted model' : model.name
    await todo.page.getByText(`Answers come from: ${badge}`).waitFor()
  })
})
