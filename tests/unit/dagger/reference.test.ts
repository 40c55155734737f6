import { describe, expect, it } from 'vitest'
import { imageDirectory } from '../../../dagger/src/reference.ts'

describe('where images lie', () => {
  it.each([
    ['ghcr.io/owner/todo-chat', 'ghcr.io/owner/todo-chat'],
    ['ghcr.io/Acme-Corp/Todo-Chat', 'ghcr.io/acme-corp/todo-chat'],
    ['registry.example:5000/team/', 'registry.example:5000/team'],
  ])('%s is %s', (given, folder) => {
    expect(imageDirectory(given)).toBe(folder)
  })

  it.each(['', 'ghcr.io', 'https://ghcr.io/owner', 'ghcr.io/owner/todo chat', 'ghcr.io//todo-chat', 'ghcr.io/owner/todo-chat:1'])('%o is refused with the value', (given) => {
    expect(() => imageDirectory(given)).toThrow(`such as ghcr.io/owner/todo-chat, current value ${given}`)
  })
})
