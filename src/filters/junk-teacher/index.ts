/** Learning from what people do with their mail. */

export { junkTeacher } from './junk-teacher.ts'
export type { JunkTeacher, JunkTeacherOptions, LessonGiven, Pupil } from './junk-teacher.ts'
export type { LearningResult, Lesson } from '../learned.ts'
