import { describe, expect, it } from 'vitest'
import { hasDigest, imageName, imagesOf, isPlaceholder, parseImages, withImages } from '../../../../deploy/src/release/images.ts'
import { release } from '../_release.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`

describe('images', () => {
  it.each([
    ['todo-chat/backend:1', 'backend'],
    [`registry.example:5000/team/backend:1@${DIGEST}`, 'backend'],
    ['backend', 'backend'],
  ])('%s is %s', (reference, name) => {
    expect(imageName(reference)).toBe(name)
  })

  it('tells a digest from a tag, and a placeholder from a digest', () => {
    expect([hasDigest(`x@${DIGEST}`), hasDigest('x:1'), isPlaceholder(`x@sha256:${'0'.repeat(64)}`), isPlaceholder(`x@${DIGEST}`)]).toEqual([true, false, true, false])
  })

  it('replaces an image wherever it runs', () => {
    const images = imagesOf(withImages(release(), { backend: `r.example/backend@${DIGEST}` }).map(({ object }) => object))
    expect(images['backend']).toBe(`r.example/backend@${DIGEST}`)
    expect(images['mcp']).toBe('todo-chat/mcp:1')
  })

  it('leaves the given objects as they were', () => {
    const before = release()
    withImages(before, { backend: 'other:2' })
    expect(before).toEqual(release())
  })

  it('refuses an image that nothing runs, naming those that are run', () => {
    expect(() => withImages(release(), { backnd: 'x:1' })).toThrow(/no pod uses the given image backnd/)
  })

  it.each([
    ['{', /not JSON/],
    ['[]', /expected an object/],
    ['{"backend": 1}', /field backend is not an image reference/],
    ['{"backend": "no spaces allowed"}', /field backend/],
  ])('refuses %s', (text, message) => {
    expect(() => parseImages(text, 'images.json')).toThrow(message)
  })
})
