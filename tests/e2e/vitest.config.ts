import path from 'node:path'
import { defineConfig } from 'vitest/config'
import { baseUrl, reportDir } from './settings.ts'

// Without a stack nothing can be tested: that is an error, never a skipped suite.
baseUrl()

export default defineConfig({
  test: {
    name: 'e2e',
    root: import.meta.dirname,
    include: ['**/*.test.ts'],
    // One browser at a time: the suites share the machine with the stack they test.
    fileParallelism: false,
    expect: { poll: { timeout: 30_000 } },
    testTimeout: 180_000,
    hookTimeout: 120_000,
    reporters: ['default', ['junit', { suiteName: 'e2e' }]],
    outputFile: { junit: path.join(reportDir, 'junit.xml') },
  },
})
