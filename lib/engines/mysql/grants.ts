/** Words in angle brackets come from the role's Secret. @internal */
export const CREATE_USER = `create user if not exists '<username>'@'%' identified by '<password>';`;
