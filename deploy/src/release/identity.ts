/** The names under which the deployer acts in a cluster. */

/** Field manager of every write. */
export const MANAGER = 'todo-chat-deploy'

/** Labels of the objects that hold the deployer's own state. */
export const STATE_LABELS = {
  'app.kubernetes.io/name': MANAGER,
  'app.kubernetes.io/part-of': 'todo-chat',
  'app.kubernetes.io/managed-by': MANAGER,
} as const
