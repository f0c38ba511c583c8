// Stands for the e-mail to the one who has to decide.
module.exports = async function (context, { request, instanceId }) {
    context.log(`Please decide on '${request}': POST {"approved": true, "by": "you"} to /api/approvals/${instanceId}`);
};
