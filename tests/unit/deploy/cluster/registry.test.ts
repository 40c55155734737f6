/** The registry client against a program that takes crane's place: what it is asked, with which environment, and how its answers are read. */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { generateKeyPairSync } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { askForImage, readSignatures, writeSignatures } from '../../../../deploy/src/cluster/registry.ts'
import { signImage } from '../../../../deploy/src/release/signature.ts'

const IMAGE = `r.example/app/backend@sha256:${'a'.repeat(64)}`
const SIGNATURES = `r.example/app/backend:sha256-${'a'.repeat(64)}.sig`
const signed = signImage(IMAGE, generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)

let folder = ''
const there = (path: string): string => join(folder, path)

/** @param script what crane does, in sh */
function crane(script: string): void {
  writeFileSync(there('bin/crane'), `#!/bin/sh\necho "$@" >>${there('asked')}\n${script}\n`)
  chmodSync(there('bin/crane'), 0o755)
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'registry-test-'))
  mkdirSync(there('bin'))
  vi.stubEnv('PATH', `${there('bin')}:${process.env['PATH']}`)
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

describe('the registry client', () => {
  it('hands credentials and authorities over as files that do not stay', async () => {
    crane(`cat $DOCKER_CONFIG/config.json >${there('config')}; cat $SSL_CERT_FILE >${there('trusted')}; echo $DOCKER_CONFIG >${there('folder')}`)
    await askForImage(IMAGE, { credentials: '{"auths":{}}', ca: 'AUTHORITY' })
    expect(readFileSync(there('asked'), 'utf8')).toBe(`digest ${IMAGE}\n`)
    expect(readFileSync(there('config'), 'utf8')).toBe('{"auths":{}}')
    expect(readFileSync(there('trusted'), 'utf8')).toMatch(/BEGIN CERTIFICATE[\s\S]*AUTHORITY$/)
    expect(() => readFileSync(join(readFileSync(there('folder'), 'utf8').trim(), 'config.json'))).toThrow(/ENOENT/)
  })

  it('leaves the credentials of the person in place where none are given', async () => {
    vi.stubEnv('DOCKER_CONFIG', there('own'))
    crane(`echo $DOCKER_CONFIG >${there('folder')}`)
    await askForImage(IMAGE, {})
    expect(readFileSync(there('folder'), 'utf8').trim()).toBe(there('own'))
  })

  it('says what the registry said', async () => {
    crane('echo "2026/01/01 Error: GET https://r.example/v2/: UNAUTHORIZED: authentication required" >&2; exit 1')
    await expect(askForImage(IMAGE, {})).rejects.toThrow(/^GET https:\/\/r\.example\/v2\/: UNAUTHORIZED: authentication required$/)
  })

  it('says that crane is missing', async () => {
    vi.stubEnv('PATH', there('bin'))
    await expect(askForImage(IMAGE, {})).rejects.toThrow('crane is not installed here')
  })

  it('finds no signature where there is none, and does not take a refusal for that', async () => {
    crane('echo "Error: GET https://r.example/v2/: MANIFEST_UNKNOWN: manifest unknown" >&2; exit 1')
    expect(await readSignatures(IMAGE, {})).toEqual([])
    crane('echo "Error: GET https://r.example/v2/: UNAUTHORIZED: authentication required" >&2; exit 1')
    await expect(readSignatures(IMAGE, {})).rejects.toThrow(/UNAUTHORIZED/)
  })

  it('reads what it has written', async () => {
    crane(`case $1 in
push) mkdir ${there('store')} && cp -r "$2"/. ${there('store')} ;;
manifest) cat ${there('store/blobs/sha256')}/$(sed 's/.*"digest":"sha256:\\([0-9a-f]*\\)".*/\\1/' ${there('store/index.json')}) ;;
blob) cat ${there('store/blobs/sha256')}/\${2#*@sha256:} ;;
esac`)
    await writeSignatures(IMAGE, [signed], {})
    expect(await readSignatures(IMAGE, {})).toEqual([signed])
    const asked = readFileSync(there('asked'), 'utf8').split('\n')
    expect(asked[0]).toMatch(new RegExp(`^push .* ${SIGNATURES}$`))
    expect(asked[1]).toBe(`manifest ${SIGNATURES}`)
    expect(asked[2]).toMatch(/^blob r\.example\/app\/backend@sha256:[0-9a-f]{64}$/)
  })
})
