import type { z } from '@hono/zod-openapi';
import type { FieldProblem } from '../domain/errors.ts';
import { printable } from '../domain/log.ts';

type Issue = z.core.$ZodIssue;

/** `grants[1].on.machine`. */
function fieldOf(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return printable(text === '' ? 'body' : text);
}

export function unknownField(path: readonly PropertyKey[], key: string): FieldProblem {
  return { field: fieldOf([...path, key]), message: 'is not a known field' };
}

function ofIssue(issue: Issue, above: readonly PropertyKey[]): FieldProblem[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownField(path, key));
  }
  if (issue.code === 'invalid_union') {
    const closest = [...issue.errors].sort((a, b) => a.length - b.length)[0] ?? [];
    if (closest.some((inner) => inner.path.length > 0)) {
      return closest.flatMap((inner) => ofIssue(inner, path));
    }
  }
  return [{ field: fieldOf(path), message: issue.message }];
}

/** One entry for each bad field; at most 50. */
export function problemsOf(issues: readonly Issue[]): readonly FieldProblem[] {
  return issues.flatMap((issue) => ofIssue(issue, [])).slice(0, 50);
}
