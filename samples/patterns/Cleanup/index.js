// Stands for the removal of what has expired: answers how many things were removed.
module.exports = async function (context, round) {
    context.log(`Cleaning up, round ${round}.`);
    return 2;
};
