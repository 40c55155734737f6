/** The database: inside the cluster with its volumes, or outside with none. */
import type { V1PersistentVolumeClaim, V1ResourceQuota, V1StatefulSet } from '@kubernetes/client-node'
import type { KubeObject, Wire } from '../../../deploy/src/release/objects.ts'
import { type Policy, each, ofKind, podTemplates, sameSet, title } from './_policy.ts'
import { settings } from './services.ts'

type Spec<T extends { spec?: unknown }> = { spec: NonNullable<Wire<T>['spec']> }

const DATABASE = ['StatefulSet postgres', 'Service postgres', 'PodDisruptionBudget postgres', 'NetworkPolicy postgres', 'ServiceAccount postgres']
const BACKUP = ['PersistentVolumeClaim postgres-backup', 'CronJob backup', 'NetworkPolicy backup', 'ServiceAccount backup']

const of = (component: string) => (object: KubeObject): boolean => object.metadata.labels?.['app.kubernetes.io/component'] === component && object.kind !== 'ConfigMap'

export const databasePolicies: Policy[] = [
  {
    id: 'database/one-switch',
    must: 'With an external database no database workload and no volume but the backup’s MUST be rendered; otherwise all of them',
    check: (objects, { externalDatabase }) => ({
      checked: objects.length,
      violations: [
        ...sameSet(objects.filter(of('database')).map(title), externalDatabase ? [] : DATABASE),
        ...(externalDatabase ? podTemplates(objects).flatMap(({ owner, spec }) => (spec.volumes ?? []).filter(({ persistentVolumeClaim }) => persistentVolumeClaim !== undefined && persistentVolumeClaim.claimName !== 'postgres-backup').map(({ name }) => `${owner}: volume ${name} is persistent`)) : []),
        ...(externalDatabase ? ofKind<Spec<V1ResourceQuota>>(objects, 'ResourceQuota').filter(({ spec }) => spec.hard?.['persistentvolumeclaims'] !== '1').map((quota) => `${title(quota)}: allows other volumes than the backup's`) : []),
      ],
    }),
  },
  {
    id: 'database/backed-up',
    must: 'The database MUST be backed up to a volume of its own, wherever it is',
    check: (objects) => ({ checked: objects.length, violations: sameSet(objects.filter(of('backup')).map(title), BACKUP) }),
  },
  {
    id: 'database/production-is-external',
    must: 'Production MUST use a database outside the cluster',
    check: (objects, { environment }) => ({ checked: objects.length, violations: environment === 'production' ? objects.filter(of('database')).map(title) : [] }),
  },
  {
    id: 'database/address',
    must: 'Processes that use the database MUST be told where it is; outside the cluster with a verified certificate',
    check: (objects, { externalDatabase }) =>
      each(podTemplates(objects).filter(({ name }) => ['backend', 'mcp', 'migrate', 'backup'].includes(name)), ({ owner }) => owner, (pod) => {
        const found = settings(pod, objects)
        const host = found.get('TODO_DATABASE_HOST') ?? ''
        return [
          (host === 'postgres') === externalDatabase && `TODO_DATABASE_HOST is ${host}`,
          externalDatabase && found.get('TODO_DATABASE_SSLMODE') !== 'verify-full' && `TODO_DATABASE_SSLMODE is ${found.get('TODO_DATABASE_SSLMODE')}`,
        ]
      }),
  },
  {
    id: 'database/volumes-stay',
    must: 'The data MUST be on claims that outlive the workload, whose templates hold nothing that changes with a release',
    check: (objects, { externalDatabase }) => {
      const sets = ofKind<Spec<V1StatefulSet>>(objects, 'StatefulSet')
      const found = each(sets, title, ({ spec }) => [
        spec.persistentVolumeClaimRetentionPolicy?.whenDeleted !== 'Retain' && 'claims go with the StatefulSet',
        spec.persistentVolumeClaimRetentionPolicy?.whenScaled !== 'Retain' && 'claims go with a scale-down',
        spec.replicas !== 1 && `${spec.replicas ?? 1} replicas of a database with one writer`,
        (spec.volumeClaimTemplates ?? []).length !== 1 && `${spec.volumeClaimTemplates?.length ?? 0} claim templates`,
        ...(spec.volumeClaimTemplates ?? []).map(({ metadata }) => metadata?.labels?.['app.kubernetes.io/version'] !== undefined && 'a claim template carries the version'),
        ...spec.template.spec?.volumes?.map(({ name, emptyDir }) => emptyDir !== undefined && !['run', 'tmp'].includes(name) && `volume ${name} is an emptyDir`) ?? [],
      ])
      const claims = each(ofKind<Spec<V1PersistentVolumeClaim>>(objects, 'PersistentVolumeClaim'), title, ({ spec }) => [spec.resources?.requests?.['storage'] === undefined && 'asks for no storage'])
      // An external database has no data volume here: the absence was looked at.
      return { checked: externalDatabase ? 1 : sets.length, violations: [...found.violations, ...claims.violations] }
    },
  },
]
