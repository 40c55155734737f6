/** Which images a release runs, and how given ones replace those of the manifests. */
import { BadInput } from '../errors.ts'
import type { KubeObject, RenderedObject } from './objects.ts'
import { podSpecs } from './secrets.ts'

/** Part of the application (last part of the repository, such as `backend`) → full reference. */
export type Images = Record<string, string>

const DIGEST = /@sha256:[0-9a-f]{64}$/
/** What the manifests carry until a release fills it in. */
const PLACEHOLDER = /@sha256:0{64}$/

/** `registry.example/todo-chat/backend:1@sha256:…` → `backend`. */
export function imageName(reference: string): string {
  const repository = reference.replace(/@.*$/, '')
  const last = repository.slice(repository.lastIndexOf('/') + 1)
  return last.replace(/:.*$/, '')
}

export function hasDigest(reference: string): boolean {
  return DIGEST.test(reference)
}

export function isPlaceholder(reference: string): boolean {
  return PLACEHOLDER.test(reference)
}

/**
 * Reads the JSON that `publish` writes: an object of image name → reference.
 * @throws BadInput when it is something else: names the field
 */
export function parseImages(text: string, source: string): Images {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new BadInput(`${source}: not JSON: ${(cause as Error).message}`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadInput(`${source}: expected an object of image name to reference`)
  for (const [name, reference] of Object.entries(value)) {
    if (typeof reference !== 'string' || !/^[\w][\w./:@-]*$/.test(reference)) throw new BadInput(`${source}: field ${name} is not an image reference`)
  }
  return value as Images
}

/** Every image of the objects' pods, by name. */
export function imagesOf(objects: readonly KubeObject[]): Images {
  const images: Images = {}
  for (const { image } of objects.flatMap(podSpecs).flatMap(({ containers, initContainers = [] }) => [...initContainers, ...containers])) {
    if (image !== undefined) images[imageName(image)] = image
  }
  return images
}

/** The images that were given; the others' placeholders are missing, which is another complaint. */
export function givenImages(images: Images): Images {
  return Object.fromEntries(Object.entries(images).filter(([, reference]) => !isPlaceholder(reference)))
}

/** What `publish` makes; no environment need use all of them. */
export const PUBLISHED = ['agent', 'backend', 'backup', 'database', 'frontend', 'mcp']

/**
 * The objects with the given images in place of the manifests' own; a published image that no pod runs is left aside.
 * @throws BadInput for a given image that nobody knows
 */
export function withImages(rendered: readonly RenderedObject[], images: Images): RenderedObject[] {
  const used = new Set<string>()
  const result = rendered.map(({ object, source }) => {
    const copy = structuredClone(object)
    for (const { containers, initContainers = [] } of podSpecs(copy)) {
      for (const container of [...initContainers, ...containers]) {
        const name = imageName(container.image ?? '')
        const reference = images[name]
        if (reference === undefined) continue
        used.add(name)
        container.image = reference
      }
    }
    return { object: copy, source }
  })
  const unknown = Object.keys(images).filter((name) => !used.has(name) && !PUBLISHED.includes(name))
  if (unknown.length > 0) throw new BadInput(`no pod uses the given image ${unknown.join(', ')}`, { next: `the manifests use ${Object.keys(imagesOf(rendered.map(({ object }) => object))).join(', ')}` })
  return result
}

/** Names of given images that no pod runs. */
export function unusedImages(rendered: readonly RenderedObject[], images: Images): string[] {
  const used = imagesOf(rendered.map(({ object }) => object))
  return Object.keys(images).filter((name) => used[name] === undefined)
}
