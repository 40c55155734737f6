/** Everything that the browser tests take from the environment. */
import path from 'node:path'

/** Where the built stack serves the page and the API, without a slash at the end. */
export function baseUrl(): string {
  const value = process.env['E2E_BASE_URL']
  if (value === undefined || value === '') {
    throw new Error('E2E_BASE_URL is not set: give the URL of a running stack, for example http://127.0.0.1:8080')
  }
  return new URL(value).href.replace(/\/$/, '')
}

/** Where the page is served by https with people who sign in through the identity provider of `tests/identity`. */
export function signInUrl(): string {
  const value = process.env['E2E_SIGN_IN_URL']
  if (value === undefined || value === '') {
    throw new Error('E2E_SIGN_IN_URL is not set: give the URL of a stack behind the identity provider of tests/identity')
  }
  return new URL(value).href.replace(/\/$/, '')
}

/** @default /usr/bin/chromium (Debian's package) */
export const chromiumPath = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'

/** Folder for junit.xml, screenshots and traces of failed tests. @default report/e2e */
export const reportDir = path.resolve(process.env['E2E_REPORT_DIR'] ?? 'report/e2e')
