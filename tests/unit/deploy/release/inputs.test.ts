import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { BadInput } from '../../../../deploy/src/errors.ts'
import { readAuthorities, readImageKeys, readInput, readSecrets, readSecretsFile, readVerified } from '../../../../deploy/src/release/inputs.ts'

const FOLDER = mkdtempSync(join(tmpdir(), 'inputs-test-'))
const VALUE = 'valuable-value'

afterAll(() => rmSync(FOLDER, { recursive: true }))

function file(name: string, text: string): string {
  writeFileSync(join(FOLDER, name), text)
  return join(FOLDER, name)
}

async function refusal(reading: Promise<unknown>): Promise<string> {
  const error: unknown = await reading.then(() => expect.unreachable('it was accepted'), (error: unknown) => error)
  expect(error).toBeInstanceOf(BadInput)
  return (error as BadInput).message
}

describe('a file of secret values', () => {
  it.each([
    ['that is no JSON', `{"jwt-key": "${VALUE}`, /not JSON/],
    ['that is a list', `["${VALUE}"]`, /expected an object of secret key to value/],
    ['with a number', `{"jwt-key": 7, "x": "${VALUE}"}`, /the value of jwt-key is not a string/],
    ['with an empty value', `{"jwt-key": "", "x": "${VALUE}"}`, /the value of jwt-key is empty/],
  ])('%s is refused, naming the key and never a value', async (_name, text, message) => {
    const told = await refusal(readSecretsFile(file('secrets.json', text), 'prod'))
    expect(told).toMatch(message)
    expect(told).not.toContain(VALUE)
  })

  it('gives bytes by key', async () => {
    expect(await readSecretsFile(file('secrets.json', `{"jwt-key": "${VALUE}"}`), 'prod')).toEqual(new Map([['jwt-key', Buffer.from(VALUE)]]))
  })
})

describe('a file of secret values that says for which environment it is', () => {
  const secrets = (environment: string): string => file('secrets.json', JSON.stringify({ environment, 'jwt-key': VALUE }))

  it.each(['prod', 'production'])('is taken for %s, and the name is no secret', async (environment) => {
    expect([...(await readSecretsFile(secrets(environment), 'prod')).keys()]).toEqual(['jwt-key'])
  })

  it('is refused for another one', async () => {
    const told = await refusal(readSecretsFile(secrets('staging'), 'prod'))
    expect(told).toMatch(/these are the secrets of staging, not of prod/)
    expect(told).not.toContain(VALUE)
  })

  it('has no values when it is empty, as pipelines hand over what is not set', async () => {
    expect(await readSecretsFile(file('secrets.json', '\n'), 'prod')).toEqual(new Map())
  })
})

describe('a folder of secret values', () => {
  it('drops one line end, and keeps certificates as they are', async () => {
    const folder = join(FOLDER, 'secrets')
    mkdirSync(folder)
    writeFileSync(join(folder, 'jwt-key'), `${VALUE}\n`)
    writeFileSync(join(folder, 'tls.crt'), 'certificate\n')
    writeFileSync(join(folder, '.hidden'), 'x')
    expect(await readSecrets(folder)).toEqual(new Map([['jwt-key', Buffer.from(VALUE)], ['tls.crt', Buffer.from('certificate\n')]]))
    writeFileSync(join(folder, 'mcp-password'), '\n')
    expect(await refusal(readSecrets(folder))).toMatch(/file mcp-password is empty/)
  })

  it('that is not there is named with its option', async () => {
    expect(await refusal(readSecrets('/does/not/exist'))).toMatch(/--secrets-dir \/does\/not\/exist: cannot be read \(ENOENT\)/)
  })
})

describe('other files', () => {
  it('that are not there are named with their option', async () => {
    expect(await refusal(readInput('/does/not/exist', '--images'))).toMatch(/--images \/does\/not\/exist: cannot be read \(ENOENT\)/)
  })

  it.each([
    ['of another environment', { environment: 'dev', result: 'succeeded', images: {} }, /not the report of a successful staging run \(dev, succeeded\)/],
    ['of a run that failed', { environment: 'staging', result: 'rolled-back', images: {} }, /\(staging, rolled-back\)/],
    ['of something else', {}, /\(no environment, no result\)/],
  ])('a report %s verifies nothing', async (_name, report, message) => {
    expect(await refusal(readVerified(file('report.json', JSON.stringify(report))))).toMatch(message)
  })
})

describe('the keys of those who may sign', () => {
  it('are none in an empty file and without one', async () => {
    expect(await readImageKeys(file('keys.pem', '\n'))).toBeUndefined()
    expect(await readImageKeys(undefined)).toBeUndefined()
  })

  it('name their file when it holds none', async () => {
    expect(await refusal(readImageKeys(file('keys.pem', 'hello')))).toMatch(/^--image-key .*keys\.pem: holds no public key/)
  })
})

describe('the authorities of an ingress', () => {
  const authority = readFileSync(join(import.meta.dirname, '../../../fixtures/tls/authority.pem'), 'utf8')

  it('are read as they are, and an empty file has none', async () => {
    expect(await readAuthorities(file('ca.pem', authority), '--ingress-ca')).toBe(authority)
    expect(await readAuthorities(file('ca.pem', ' \n'), '--ingress-ca')).toBeUndefined()
    expect(await readAuthorities(undefined, '--ingress-ca')).toBeUndefined()
  })

  it.each([
    ['no certificate', 'hello', /holds no certificate/],
    ['a broken one', authority.replace(/\n.{10}/, '\n'), /a certificate in it is malformed/],
  ])('%s is refused', async (_name, text, message) => {
    expect(await refusal(readAuthorities(file('ca.pem', text), '--ingress-ca'))).toMatch(message)
  })
})
