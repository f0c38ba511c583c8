'use strict';
// The result of an orchestrator as JSON. The durable-functions SDK hands over all actions of an execution, and the same object more
// than once when a task is awaited again inside another Task.any or Task.all. JSON would make two actions of it, so an action that was
// written before is written as {"actionRef": k}: the k-th (from 0) of the actions that are no WhenAll or WhenAny, in pre-order.

function isOrchestratorState(result) {
  return typeof result === 'object' && result !== null && Array.isArray(result.actions) && result.actions.every(Array.isArray);
}

function withActionRefs(state) {
  const seen = new Map();
  let leaves = 0;
  const replace = (action) => {
    if (typeof action === 'object' && action !== null) {
      if (Array.isArray(action.compoundActions)) {
        return { actionType: action.actionType, compoundActions: action.compoundActions.map(replace) };
      }
      const known = seen.get(action);
      if (known !== undefined) return { actionRef: known };
      seen.set(action, leaves);
    }
    leaves++;
    return action;
  };
  return { ...state, actions: state.actions.map((actions) => actions.map(replace)) };
}

// isReplay reports whether an orchestrator is at a place where it has been before: what it logs there has been logged.
function isReplay(fn, context) {
  return fn.triggerType === 'orchestrationtrigger' && Boolean(context && context.df && context.df.isReplaying);
}

module.exports = { isOrchestratorState, isReplay, withActionRefs };
