export const greeting = async () => "Hello";
