import { describe, expect, it } from 'vitest'
import { maskSecret, redactText } from '../../../../deploy/src/release/redact.ts'

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl'

describe('redactText', () => {
  it.each([
    ['a database address', 'postgresql://todo:hunter2hunter2@postgres/todo', 'hunter2hunter2'],
    ['a bearer token', 'Authorization: Bearer abc.def-ghi', 'abc.def-ghi'],
    ['a token by its shape', `got ${JWT} from client`, JWT],
    ['a password in JSON', '{"password": "opensesame"}', 'opensesame'],
    ['a password as an assignment', 'PGPASSWORD=opensesame psql', 'opensesame'],
    ['a key of a model provider', 'key sk-abcdefghijklmnopqrstuvwx refused', 'sk-abcdefghijklmnopqrstuvwx'],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----', 'MIIE'],
  ])('masks %s', (_name, text, secret) => {
    expect(redactText(text)).toContain('***')
    expect(redactText(text)).not.toContain(secret)
  })

  it('masks known values wherever they stand', () => {
    expect(redactText('could not use "correct horse battery"', ['correct horse battery'])).toBe('could not use "***"')
  })

  it('masks the longer of two values that overlap', () => {
    expect(redactText('abcdefgh12345678', ['abcdefgh', 'abcdefgh12345678'])).toBe('***')
  })

  it('leaves short values to their shape: they would match by chance', () => {
    expect(redactText('the todo list', ['todo'])).toBe('the todo list')
  })

  it('leaves ordinary log lines alone', () => {
    const line = '{"level":"INFO","message":"ready","port":8000}'
    expect(redactText(line)).toBe(line)
  })
})

describe('maskSecret', () => {
  it('keeps the keys of a Secret and nothing of its values', () => {
    const masked = maskSecret({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'x' }, data: { a: 'c2VjcmV0' }, stringData: { b: 'secret' } })
    expect(masked).toMatchObject({ data: { a: '***' }, stringData: { b: '***' } })
  })

  it('returns other objects as they are', () => {
    const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, data: { a: 'plain' } }
    expect(maskSecret(map)).toBe(map)
  })
})
