import { expect, test } from 'vitest'
import * as varve from '../src/index.ts'

test('the public names are these', () => {
  expect(Object.keys(varve).sort()).toMatchInlineSnapshot()
})
