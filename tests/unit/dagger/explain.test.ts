import { expect, it } from 'vitest'
import { explained } from '../../../dagger/src/explain.ts'

it('an engine that refuses privileged containers is told from other faults, with what to do', () => {
  // As engine v0.19.10 says it when its configuration does not allow them.
  const said = 'failed to start host service: start upstream: security.insecure is not allowed'
  expect(explained(said)).toMatch(new RegExp(`^${said}\nnext: this engine refuses privileged containers`))
})

it('a full disk is told with what to free, and that green checks stay', () => {
  const said = 'failed to copy: write /var/lib/x: no space left on device'
  expect(explained(said)).toMatch(/^failed to copy.*\nnext: a file system is full: .*npm run engine -- clean; checks that passed are not run again/)
  // Said once, however often the message is passed on.
  expect(explained(explained(said))).toBe(explained(said))
})

it('any other message stays as it is', () => {
  expect(explained('exit code: 1')).toBe('exit code: 1')
})
