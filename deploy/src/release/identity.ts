/** The names under which the deployer acts in a cluster and keeps its own state. */

/** What the deployer's own objects, and the Secrets that it makes, are part of. */
export const PART_OF = 'todo-chat'

/** Field manager of every write. */
export const MANAGER = 'todo-chat-deploy'

/** The Lease that is the lock of a namespace. */
export const LEASE = 'todo-chat-deploy'

/** The ConfigMap that lists what a release owns. */
export const INVENTORY = 'todo-chat-inventory'

/** ConfigMaps and Secrets of the revision whose number follows. */
export const REVISION_PREFIX = 'todo-chat-revision-'

/** Labels of the objects that hold the deployer's own state. */
export const STATE_LABELS = {
  'app.kubernetes.io/name': MANAGER,
  'app.kubernetes.io/part-of': PART_OF,
  'app.kubernetes.io/managed-by': MANAGER,
} as const

/** Label that marks ConfigMaps (records) and Secrets (values) of revisions. */
export const STATE_KIND = 'todo-chat.dev/state'

/** On a pod template: the revision in which a value that the pod reads was last changed. Absent until one is. */
export const SECRETS_REVISION = 'todo-chat.dev/secrets-revision'

/** Label that says of which environment a namespace is. */
export const ENVIRONMENT_LABEL = 'todo-chat.io/environment'
