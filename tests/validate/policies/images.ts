/** Images. */
import { type Policy, eachContainer, podTemplates } from './_policy.ts'

/** Process → image; an external database is backed up by a newer one than the cluster's own. */
const imageOf = (name: string, externalDatabase: boolean): string => ({ migrate: 'backend', backup: externalDatabase ? 'backup' : 'database', postgres: 'database' })[name] ?? name

export const imagePolicies: Policy[] = [
  {
    id: 'images/never-latest',
    must: 'Every image MUST be named by a digest or by a tag other than latest',
    check: (objects) =>
      eachContainer(podTemplates(objects), ({ image = '' }) => {
        const [, tag, digest] = /^[^@]*?(?::([^/:@]+))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(image) ?? []
        return [tag === undefined && digest === undefined && `image ${image} has neither tag nor digest`, tag === 'latest' && `image ${image} is latest`]
      }),
  },
  {
    id: 'images/by-digest',
    must: 'In staging and production every image MUST be named by its digest',
    check: (objects, { environment }) =>
      eachContainer(podTemplates(objects), ({ image = '' }) => [environment !== 'development' && !/@sha256:[0-9a-f]{64}$/.test(image) && `image ${image} has no digest`]),
  },
  {
    id: 'images/our-own',
    must: 'Every container MUST run the image of its own tier, and none from anywhere else',
    check: (objects, { externalDatabase }) =>
      eachContainer(podTemplates(objects), ({ name, image = '' }) => [!new RegExp(`^todo-chat/${imageOf(name, externalDatabase)}[:@]`).test(image) && `image is ${image}`]),
  },
  {
    id: 'images/pull-policy',
    must: 'No pod MUST need a registry to start again on a node that has its image',
    check: (objects) => eachContainer(podTemplates(objects), ({ imagePullPolicy }) => [imagePullPolicy !== 'IfNotPresent' && `imagePullPolicy is ${imagePullPolicy ?? 'not set'}`]),
  },
]
