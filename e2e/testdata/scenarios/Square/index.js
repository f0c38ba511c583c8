module.exports = function (context, n) {
    context.done(null, n * n);
};
