import type { RecordBatch, Schema } from 'apache-arrow'
import type { Binding } from './binding.ts'
export interface BatchSource {
  readonly relation: string
  readonly failure: unknown
  release(): void
}
export function registerBatches(_b: Binding, _c: unknown, _schema: Schema, _batches: Iterable<RecordBatch>): BatchSource {
  throw new TypeError('not yet')
}
