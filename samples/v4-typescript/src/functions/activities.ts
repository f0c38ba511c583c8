import * as df from "durable-functions";
import type { InvocationContext } from "@azure/functions";
import type { Expense } from "../report";

/** Euros for one unit of a currency. A real one would ask a bank. */
const rates = new Map([["EUR", 1], ["USD", 0.9], ["JPY", 0.006]]);

export const toEuro = df.app.activity("ToEuro", {
  handler: (expense: Expense): number => {
    const rate = rates.get(expense.currency);
    if (rate === undefined) {
      throw new Error(`There is no rate for ${expense.currency}, in which '${expense.description}' was paid.`);
    }
    return Math.round(expense.amount * rate * 100) / 100;
  },
});

export const pay = df.app.activity("Pay", {
  handler: (payment: { employee: string; total: number }, context: InvocationContext): string => {
    context.info(`paying ${payment.total} EUR to ${payment.employee}`);
    return `${payment.employee}-${Math.round(payment.total * 100)}`;
  },
});
