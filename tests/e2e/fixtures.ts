/** A browser per file and a fresh page per test. A page that logs an error fails its test. */
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { test as base, expect } from 'vitest'
import { baseUrl, chromiumPath, reportDir } from './settings.ts'
import { TodoPage } from './todo-page.ts'

/** Longest wait for anything that a page should show. */
const WAIT_MS = 30_000

/** Debian's Chromium as root in a container, silent towards the network. */
const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

// A page in production is served by HTTPS; the stack under test has plain HTTP behind a name that is not localhost.
const trusted = (url: string): string => `--unsafely-treat-insecure-origin-as-secure=${new URL(url).origin}`

export const desktop: BrowserContextOptions = { viewport: { width: 1360, height: 820 }, colorScheme: 'light' }
export const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
  colorScheme: 'light',
}

export interface OpenOptions {
  /** @default desktop */
  device?: BrowserContextOptions
  /** Messages of the console that the test provokes. @default none */
  expectedErrors?: RegExp
  /** Where the page is. @default baseUrl() */
  url?: string
}

interface Fixtures {
  browser: Browser
  /** Opens the page in a context of its own; closed after the test, with a screenshot when it failed. */
  open: (options?: OpenOptions) => Promise<TodoPage>
  /** A user that no other test has. */
  userId: string
}

export const test = base.extend<Fixtures>({
  browser: [
    // eslint-disable-next-line no-empty-pattern -- vitest reads from the pattern which fixtures are needed
    async ({}, use) => {
      const browser = await chromium.launch({ executablePath: chromiumPath, args: [...CHROMIUM_FLAGS, trusted(baseUrl())] })
      await use(browser)
      await browser.close()
    },
    { scope: 'file' },
  ],

  open: async ({ browser, task }, use) => {
    const opened: { page: Page; errors: string[] }[] = []
    await use(async ({ device = desktop, expectedErrors, url = baseUrl() } = {}) => {
      // Chromium keeps its own list of authorities; whether a certificate is good is asked elsewhere.
      const context = await browser.newContext({ ...device, baseURL: url, ignoreHTTPSErrors: url.startsWith('https:') })
      context.setDefaultTimeout(WAIT_MS)
      const page = await context.newPage()
      const errors: string[] = []
      opened.push({ page, errors })
      const note = (text: string): void => {
        if (expectedErrors?.test(text) !== true) errors.push(text)
      }
      page.on('pageerror', (error) => note(`uncaught: ${error.message}`))
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') note(`${message.type()}: ${message.text()}`)
      })
      await page.goto('/')
      return new TodoPage(page)
    })
    for (const [index, { page, errors }] of opened.entries()) {
      if (task.result?.state === 'fail') await shoot(page, `failed-${task.name.replaceAll(/\W+/g, '-')}-${index}`)
      await page.context().close()
      expect(errors, 'errors in the console of the page').toEqual([])
    }
  },

  // eslint-disable-next-line no-empty-pattern -- as above
  userId: async ({}, use) => use(`e2e-${randomBytes(6).toString('hex')}`),
})

/** A picture for the report: `<report>/screenshots/<name>.png`. */
export async function shoot(page: Page, name: string): Promise<void> {
  const folder = path.join(reportDir, 'screenshots')
  await mkdir(folder, { recursive: true })
  await page.screenshot({ path: path.join(folder, `${name}.png`), animations: 'disabled' })
}

/** Fails with every rule that the page breaks, as axe-core sees it rendered (contrast included). */
export async function expectAccessible(page: Page): Promise<void> {
  const { violations, passes } = await new AxeBuilder({ page }).analyze()
  expect(passes.length, 'rules that axe could check').toBeGreaterThan(10)
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)).toEqual([])
}

export { expect }
