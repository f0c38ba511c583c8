// Hands its input to the out-binding as it is.
module.exports = function (context, input) {
    context.bindings.starter = input;
    context.done();
};
