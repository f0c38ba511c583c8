// Stands for a call to the system that runs the job: this one is done after the given time.
module.exports = async function (context, query) {
    const elapsed = Date.now() - new Date(query.startedAt).getTime();
    return elapsed >= query.takesSeconds * 1000 ? "Done" : "Running";
};
