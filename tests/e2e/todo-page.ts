import type { Locator, Page } from 'playwright-core'

/** More elements than the page has. */
const MOST_TABS = 60

/** The page as a person knows it: by the names and roles of its parts. */
export class TodoPage {
  readonly page: Page
  constructor(page: Page) {
    this.page = page
  }

  get userName(): Locator {
    return this.page.getByRole('textbox', { name: 'User name' })
  }

  get message(): Locator {
    return this.page.getByRole('textbox', { name: 'Message' })
  }

  get newTask(): Locator {
    return this.page.getByRole('textbox', { name: 'New task' })
  }

  get messages(): Locator {
    return this.page.getByRole('region', { name: 'Messages' })
  }

  get conversations(): Locator {
    return this.page.getByRole('navigation', { name: 'Conversations' })
  }

  get status(): Locator {
    return this.page.getByRole('status')
  }

  get alert(): Locator {
    return this.page.getByRole('alert')
  }

  task(title: string): Locator {
    return this.page.getByRole('checkbox', { name: title, exact: true })
  }

  /** The choice of shown tasks: All, Pending or Completed. */
  filter(name: string): Locator {
    return this.page.getByRole('group', { name: 'Show tasks' }).getByText(name)
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name, exact: true })
  }

  /** Titles of the listed tasks, top to bottom. */
  async taskTitles(): Promise<string[]> {
    return this.page.getByRole('list', { name: / tasks$/ }).locator('label').allTextContents()
  }

  /** The way to the identity provider. */
  get signInLink(): Locator {
    return this.page.getByRole('link', { name: 'Sign in', exact: true })
  }

  /** Signs in through the identity provider of `tests/identity`. */
  async signInAt(user: string): Promise<void> {
    await this.signInLink.click()
    await this.answerProvider(user)
    await this.message.waitFor()
  }

  /** Fills the form of the identity provider. */
  async answerProvider(user: string): Promise<void> {
    await this.page.getByRole('heading', { name: 'Identity provider for tests' }).waitFor()
    await this.userName.fill(user)
    await this.button('Continue').click()
  }

  async signIn(userId: string): Promise<void> {
    await this.userName.fill(userId)
    await this.userName.press('Enter')
    await this.message.waitFor()
  }

  /** Whether the element has the keyboard's focus. */
  async hasFocus(element: Locator): Promise<boolean> {
    return (await element.and(this.page.locator(':focus')).count()) === 1
  }

  /** Presses Tab until the element has the focus, as somebody without a mouse does. */
  async tabTo(element: Locator, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
    for (let presses = 0; presses <= MOST_TABS; presses += 1) {
      if (await this.hasFocus(element)) return
      await this.page.keyboard.press(key)
    }
    throw new Error(`${MOST_TABS} presses of ${key} did not reach ${element.toString()}`)
  }

  /** Sends a message and waits until its answer is complete. */
  async say(text: string): Promise<void> {
    await this.message.fill(text)
    await this.message.press('Enter')
    await this.messages.getByText(text, { exact: true }).last().waitFor()
    await this.settled()
  }

  /** No answer is on its way and no task is being saved. */
  async settled(): Promise<void> {
    await this.page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' })
  }
}
