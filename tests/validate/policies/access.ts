/** Roles and who holds them. */
import type { V1PolicyRule, V1RoleBinding } from '@kubernetes/client-node'
import type { Wire } from '../../../deploy/src/release/objects.ts'
import { type Policy, each, ofKind, podTemplates, title } from './_policy.ts'

type Role = { rules: Wire<V1PolicyRule>[] }
const FORBIDDEN_VERBS = ['*', 'escalate', 'bind', 'impersonate']
const FORBIDDEN_RESOURCES = ['*', 'pods/attach', 'serviceaccounts/token']
/** The deployer backs up and restores by commands beside the database. It makes workloads and reads Secrets anyway. */
const WITH_SHELL = 'deployer'

export const accessPolicies: Policy[] = [
  {
    id: 'access/no-wildcards',
    must: 'No Role MUST hold a wildcard, or a verb or resource by which its holder could take more',
    check: (objects) =>
      each(ofKind<Role>(objects, 'Role'), title, ({ metadata, rules }) =>
        rules.flatMap(({ verbs, resources = [], apiGroups = [] }) => [
          metadata.name !== WITH_SHELL && resources.includes('pods/exec') && 'resource pods/exec',
          ...verbs.filter((verb) => FORBIDDEN_VERBS.includes(verb)).map((verb) => `verb ${verb}`),
          ...resources.filter((resource) => FORBIDDEN_RESOURCES.includes(resource)).map((resource) => `resource ${resource}`),
          ...apiGroups.filter((group) => group === '*').map(() => 'every API group'),
        ]),
      ),
  },
  {
    id: 'access/workloads-have-none',
    must: 'No service account that a pod runs as MUST hold a Role',
    check: (objects) => {
      const accounts = new Set(podTemplates(objects).map(({ spec }) => spec.serviceAccountName))
      return each(ofKind<Wire<Pick<V1RoleBinding, 'subjects'>>>(objects, 'RoleBinding'), title, ({ subjects = [] }) =>
        subjects.map(({ kind, name }) => kind === 'ServiceAccount' && (accounts.has(name) || name === 'default') && `is held by service account ${name}`),
      )
    },
  },
  {
    id: 'access/bindings',
    must: 'Every RoleBinding MUST give a Role that is rendered, to subjects of this namespace only',
    check: (objects, { namespace }) => {
      const roles = new Set(ofKind(objects, 'Role').map(({ metadata }) => metadata.name))
      return each(ofKind<Pick<Wire<V1RoleBinding>, 'roleRef' | 'subjects'>>(objects, 'RoleBinding'), title, ({ roleRef, subjects = [] }) => [
        (roleRef.kind !== 'Role' || !roles.has(roleRef.name)) && `gives ${roleRef.kind} ${roleRef.name}`,
        ...subjects.map((subject) => subject.kind === 'ServiceAccount' && subject.namespace !== namespace && `subject ${subject.name} is in namespace ${subject.namespace}`),
      ])
    },
  },
  {
    id: 'access/viewers-see-no-secrets',
    must: 'The Role viewer MUST only read, and no Secrets',
    check: (objects) =>
      each(ofKind<Role>(objects, 'Role').filter(({ metadata }) => metadata.name === 'viewer'), title, ({ rules }) =>
        rules.flatMap(({ verbs, resources = [] }) => [...verbs.filter((verb) => !['get', 'list', 'watch'].includes(verb)).map((verb) => `verb ${verb}`), resources.includes('secrets') && 'reads Secrets']),
      ),
  },
]
