/** An expense that somebody wants back. */
export interface Expense {
  description: string;
  amount: number;
  currency: string;
}

/** What POST /api/reports/{id} takes. */
export interface Report {
  employee: string;
  expenses: Expense[];
  /** How long the manager has for a decision, in seconds. A day unless said otherwise. */
  decideWithinSeconds?: number;
}

/** What POST /api/reports/{id}/decision takes. */
export interface Decision {
  approved: boolean;
  by: string;
}

/** The output of an orchestration. */
export interface Outcome {
  total: number;
  decision: string;
  payment?: string;
}
