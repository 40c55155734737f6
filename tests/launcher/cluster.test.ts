import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needsClusterImage, needsItLater, withClone, withClusterImage } from '../../scripts/launcher/cluster.mjs'

let ours = ''
let clone = ''
let other = ''
beforeAll(() => {
  ours = mkdtempSync(join(tmpdir(), 'todo-chat-module-'))
  writeFileSync(join(ours, 'dagger.json'), '{"name": "todo-chat"}')
  clone = mkdtempSync(join(tmpdir(), 'todo-chat-clone-'))
  writeFileSync(join(clone, 'dagger.json'), '{"name": "todo-chat"}')
  other = mkdtempSync(join(tmpdir(), 'todo-chat-other-'))
  writeFileSync(join(other, 'dagger.json'), '{"name": "hello"}')
})
afterAll(() => [ours, clone, other].forEach((folder) => rmSync(folder, { recursive: true })))

describe('a call needs the node image', () => {
  it.each([
    ['the checks, one of which is conformance', ['call', 'ci'], true],
    ['their report', ['call', 'ci-report', 'export', '--path=report'], true],
    ['the checks without conformance', ['call', 'ci', '--skip=conformance'], false],
    ['the checks without conformance among others', ['call', 'ci', '--skip', 'test-e2e,conformance'], false],
    ['their report without conformance', ['call', 'ci-report', '--skip=validate', '--skip=conformance', 'export', '--path=report'], false],
    ['conformance alone, of the checks', ['call', 'ci', '--only=conformance'], true],
    ['conformance among those to run', ['call', 'ci', '--only', 'validate,conformance'], true],
    ['other checks alone', ['call', 'ci', '--only=test-backend', '--only', 'validate'], false],
    ['the checks without another one', ['call', 'ci', '--skip=validate'], true],
    ['a cluster, with options of the CLI before', ['--progress=plain', 'call', 'cluster', 'up'], true],
    ['a conformance run', ['call', 'conformance', 'export', '--path=report'], true],
    ['the fault matrix', ['call', 'faults', '--only=crash-at-start'], true],
    ['the suite itself', ['call', 'conformance-mutations'], true],
    ['the deployer measured', ['call', 'deployer-benchmark'], true],
    ['one suite', ['call', 'test-backend'], false],
    ['the list of functions', ['functions'], false],
    ['help about a cluster function', ['call', 'cluster', '--help'], false],
    ['an image named by the caller', ['call', '--cluster-image=rancher/k3s:v1.36.1-k3s1', 'cluster'], false],
  ])('%s', (_, args, needed) => expect(needsClusterImage(args, ours)).toBe(needed))

  it('never in another module', () => expect(needsClusterImage(['call', 'cluster'], other)).toBe(false))
  it('never without a module', () => expect(needsClusterImage(['call', 'cluster'], tmpdir())).toBe(false))
})

describe('the image is needed', () => {
  it.each([
    ['late by all checks', ['call', 'ci'], true],
    ['late by some checks', ['call', 'ci-report', '--only=validate,conformance'], true],
    ['at once by conformance alone', ['call', 'ci', '--only=conformance'], false],
    ['at once by a cluster', ['call', 'cluster', 'up'], false],
    ['at once by the suite', ['call', 'conformance', '--only=CONF-001'], false],
  ])('%s', (_, args, later) => expect(needsItLater(args)).toBe(later))
})

it('the image goes to the constructor, before the function', () => {
  expect(withClusterImage(['--progress=plain', 'call', 'ci'], 'x/node:1')).toEqual(['--progress=plain', 'call', '--cluster-image=x/node:1', 'ci'])
})

describe('the clone that a call is about', () => {
  it.each([['cluster', ['call', 'cluster', 'up']], ['kubeconfig', ['call', 'kubeconfig', 'export', '--path=k']], ['sideload', ['call', 'sideload', '--api=tcp://127.0.0.1:6443']]])('%s says it', (_, args) => {
    const said = withClone(args, ours)
    expect(said[1]).toMatch(/^--clone=[0-9a-f]{12}$/)
    expect(withClone(args, ours)).toEqual(said)
    expect(withClone(args, clone)[1]).not.toBe(said[1])
  })
  it.each([['checks', ['call', 'ci']], ['a caller who says it', ['call', '--clone=abc', 'cluster', 'up']], ['no call', ['functions']]])('%s: unchanged', (_, args) => expect(withClone(args, ours)).toEqual(args))
})
