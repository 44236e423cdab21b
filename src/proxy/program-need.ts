import { PosternError } from '../domain/errors.ts';
import { type ProgramAccess, programAccess } from '../domain/program-access.ts';
import type { Program } from '../domain/terminal.ts';
import type { Need } from './approvals.ts';
import type { Denials } from './denials.ts';

/** What a program needs: a grant in force that allows it. */
export function programNeed(program: Program, denials: Denials): Need<ProgramAccess> {
  return {
    permit: (route) => {
      const decision = programAccess(route, program, new Date());
      if (decision.allowed) return decision;
      const { code, capability } = decision;
      throw new PosternError(code, { capability, machine: route.machine.name });
    },
    denied: (route) => {
      const decision = programAccess(route, program, new Date());
      if (!decision.allowed) denials.note(decision.capability);
    },
  };
}
